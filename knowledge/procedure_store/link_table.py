"""The table of the links from the team's pages to other pages, to report those that stop working.

It is filled from the pages, as the other tables of the store are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from knowledge.procedure_store.body import page_links
from knowledge.procedure_store.procedure import Broken

if TYPE_CHECKING:
    from sqlite_utils import Database

_CREATE = "CREATE TABLE page_links (slug TEXT NOT NULL, line INTEGER NOT NULL, target TEXT NOT NULL)"
_BROKEN = """
    SELECT pages.file AS file, min(page_links.line) AS line, target
    FROM page_links JOIN pages USING (slug) LEFT JOIN pages AS other ON other.slug = page_links.target
    WHERE pages.origin = 'team' AND other.slug IS NULL
    GROUP BY pages.file, target ORDER BY pages.file, line, target
"""


def prepare(database: Database) -> None:
    """Create the table unless it is there, with the links of the pages that are stored already."""
    if "page_links" in database.table_names():
        return
    with database.atomic():
        database.execute(_CREATE)
        database.execute("CREATE INDEX page_links_by_slug ON page_links (slug)")
        rows = list(database.query("SELECT slug, text FROM pages WHERE origin = 'team'"))
        _insert(database, ((row["slug"], row["text"]) for row in rows))


def replace_links(database: Database, slugs: list[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Replace the links of the pages with these slugs by those of ``rows``, which are rows of the table of pages."""
    if slugs:
        database.table("page_links").delete_where(f"slug IN ({', '.join('?' * len(slugs))})", slugs)
    _insert(database, ((row["slug"], row["text"]) for row in rows if row["origin"] == "team"))


def broken_links(database: Database) -> list[Broken]:
    """Return the links of the team's pages to pages that are not there, each once in a file, by file and line."""
    return [
        Broken(file=row["file"], line=row["line"], message=f"links to {row['target']}.md, which does not exist")
        for row in database.query(_BROKEN)
    ]


def _insert(database: Database, pages: Iterable[tuple[str, str]]) -> None:
    database.conn.executemany(
        "INSERT INTO page_links (slug, line, target) VALUES (?, ?, ?)",
        ((slug, link.line, link.slug) for slug, text in pages for link in page_links(text.split("\n"))),
    )
