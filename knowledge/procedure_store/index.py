"""The SQLite tables of the procedure store, and the functions that write them.

All data comes from the pages, so tables of another version are created again instead of migrated.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from knowledge.procedure_store.folders import Found
from knowledge.procedure_store.procedure import Broken, Procedure
from knowledge.procedure_store.query import alert_words, name_key
from knowledge.procedure_store.symptoms import fingerprint, symptoms
from knowledge.procedure_store.text import plain_text
from knowledge.procedure_store.wording import key_words, synonym_words
from knowledge.spelling import known_words, spelling_keys

if TYPE_CHECKING:
    from sqlite_utils import Database

VERSION = 4
"""Increment it with every change of the tables or of how a page becomes a row."""

_OBSOLETE_WORTH = 0.6
"""The factor for the score of an obsolete page (1.0 for all others)."""

_SEARCHED = ("title", "aliases", "subjects", "summary", "body")
"""The columns of a page that are searched."""

_COLUMNS = (
    *("slug", "worth", "origin", "overrides", "file", "obsolete_since", "title", "summary", "aliases", "subjects"),
    *("keys", "about", "body", "text"),
)
"""The columns of ``pages`` besides ``id``, the long ones last: SQLite reads a row up to the last column it needs."""

_INSERT_PAGE = f"INSERT INTO pages ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"  # noqa: S608

_NAMING = ("title", "aliases", "subjects")
"""The columns that name a page."""

_FULL_TEXT = {"search": _SEARCHED, "search_names": _NAMING}
"""The full-text indexes and their columns.

The names have their own one: to find a word in the names only, FTS5 would read every occurrence in the other columns.
"""

_INDEX_TEXT = tuple(
    f"INSERT INTO {table} (rowid, {', '.join(columns)}) SELECT id, {', '.join(columns)} FROM pages WHERE id > ?"  # noqa: S608
    for table, columns in _FULL_TEXT.items()
)
_FORGET_TEXT = "".join(
    f"INSERT INTO {table} ({table}, rowid, {', '.join(columns)}) "  # noqa: S608
    f"VALUES ('delete', old.id, {', '.join(f'old.{column}' for column in columns)});\n"
    for table, columns in _FULL_TEXT.items()
)

_TABLES = (*_FULL_TEXT, "pages", "files", "broken", "names", "spellings")

_STATEMENTS = (
    # One row for each slug: the page that is shown.
    """CREATE TABLE pages (
        id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, worth REAL NOT NULL, origin TEXT NOT NULL,
        overrides INTEGER NOT NULL, file TEXT NOT NULL, obsolete_since TEXT NOT NULL, title TEXT NOT NULL,
        summary TEXT NOT NULL, aliases TEXT NOT NULL, subjects TEXT NOT NULL, keys TEXT NOT NULL, about TEXT NOT NULL,
        body TEXT NOT NULL, text TEXT NOT NULL
    )""",
    *(
        f"""CREATE VIRTUAL TABLE {table} USING fts5(
            {", ".join(columns)}, content = 'pages', content_rowid = 'id',
            tokenize = 'porter unicode61 remove_diacritics 2'
        )"""
        for table, columns in _FULL_TEXT.items()
    ),
    f"CREATE TRIGGER pages_after_delete AFTER DELETE ON pages BEGIN {_FORGET_TEXT} END",
    # The files that were read, to detect changes.
    """CREATE TABLE files (
        folder TEXT NOT NULL, name TEXT NOT NULL, stamp TEXT NOT NULL, slug TEXT NOT NULL, PRIMARY KEY (folder, name)
    ) WITHOUT ROWID""",
    "CREATE INDEX files_by_slug ON files (slug)",
    "CREATE TABLE broken (slug TEXT NOT NULL, file TEXT NOT NULL, line INTEGER NOT NULL, message TEXT NOT NULL)",
    "CREATE INDEX broken_by_slug ON broken (slug)",
    # Every name of a page, see query.name_key; the rank is that of its sort: 0 slug and title, 1 alias, 2 symptom.
    "CREATE TABLE names (name TEXT NOT NULL, slug TEXT NOT NULL, rank INTEGER NOT NULL)",
    # Words of the pages by their spelling keys, see knowledge/spelling.py; words of deleted pages may remain.
    "CREATE TABLE spellings (key TEXT NOT NULL, word TEXT NOT NULL, PRIMARY KEY (key, word)) WITHOUT ROWID",
)


def prepare(database: Database) -> None:
    """Create the tables, or create them again when they are from another version."""
    database.enable_wal()
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("PRAGMA wal_autocheckpoint = 8000")  # 32 MiB; 4 MiB, the default, slows down the first start
    database.execute("PRAGMA cache_size = -32768")  # 32 MiB; 2 MiB, the default, is too small for a large store
    version = (fingerprint() + VERSION) & 0x7FFFFFFF
    database.execute("BEGIN IMMEDIATE")
    with database.conn:
        if database.execute("PRAGMA user_version").fetchone()[0] != version:
            for table in _TABLES:
                database.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in _STATEMENTS:
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {version}")
            _insert_spellings(database, synonym_words())


def delete_slugs(database: Database, slugs: list[str]) -> None:
    """Delete everything about these slugs from the tables."""
    for table in ("pages", "files", "broken", "names"):
        database.table(table).delete_where(f"slug IN ({', '.join('?' * len(slugs))})", slugs)


def finish(database: Database, *, merge: bool) -> None:
    """Create the indexes that are missing after pages were stored; a filled table gets them faster than a growing one.

    With ``merge``, for after the first reading, the parts of each full-text index become one: searches are twice as
    fast.
    """
    if merge:
        for table in _FULL_TEXT:
            database.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")  # noqa: S608
    database.execute("CREATE INDEX IF NOT EXISTS names_by_name ON names (name)")
    database.execute("CREATE INDEX IF NOT EXISTS names_by_slug ON names (slug)")


def insert_files(database: Database, files: Iterable[Found]) -> None:
    """Store which files were read, with their stamps."""
    sql = "INSERT INTO files (folder, name, stamp, slug) VALUES (?, ?, ?, ?)"
    database.conn.executemany(sql, ((*found, found.slug) for found in files))


def known_files(database: Database) -> set[Found]:
    """Return the files that were read, each with the stamp that it had."""
    return {Found(*row) for row in database.execute("SELECT folder, name, stamp FROM files")}


def insert_broken(database: Database, problems: Iterable[tuple[str, Broken]]) -> None:
    """Store the problems of pages, each with the slug of its page."""
    database.conn.executemany(
        "INSERT INTO broken (slug, file, line, message) VALUES (?, ?, ?, ?)",
        ((slug, one.file, one.line, one.message) for slug, one in problems),
    )


def insert_pages(database: Database, rows: list[dict[str, Any]], spelled: set[str]) -> int:
    """Store pages with their names and words, from rows that `page_row` made; return the highest id before them.

    ``spelled`` has the parts of the text whose words were stored by earlier calls, split at spaces, and gets the new
    ones: most parts repeat, and looking for words takes long. `index_text` makes the pages searchable.
    """
    highest = int(database.execute("SELECT coalesce(max(id), 0) FROM pages").fetchone()[0])
    database.conn.executemany(_INSERT_PAGE, rows)
    parts = set(" ".join(row[column] for row in rows for column in _SEARCHED).split()) - spelled
    spelled |= parts
    _insert_spellings(database, known_words(" ".join(parts)))
    database.conn.executemany(
        "INSERT INTO names (name, slug, rank) VALUES (?, ?, ?)",
        ((name, row["slug"], rank) for row in rows for name, rank in row["names"]),
    )
    return highest


def index_text(database: Database, after: int) -> None:
    """Add the pages with ids above ``after`` to the full-text indexes, in the transaction that stored them.

    It is one statement for each index, during which other threads of this process run. A trigger for each page would
    need the interpreter's lock again after each page, for which it waits up to 5 ms (``sys.getswitchinterval``).
    """
    for statement in _INDEX_TEXT:
        database.execute(statement, [after])


def _insert_spellings(database: Database, words: Iterable[str]) -> None:
    """Store words by their keys, sorted: a B-tree grows several times as fast in its own order."""
    database.conn.executemany(
        "INSERT OR IGNORE INTO spellings (key, word) VALUES (?, ?)",
        sorted((key, word) for word in words for key in spelling_keys(word)),
    )


def page_row(page: Procedure) -> dict[str, Any]:
    """Return a page as a row of the table ``pages``, by column.

    The slug is an alias too, and an alias in CamelCase is also found by its parts. ``keys`` has each name in the form
    in which it is compared, one on each line, and ``about`` the words of subjects and summary in that form. The key
    ``names`` is for the table of that name: each key of a name, with its rank.
    """
    names = (page.slug, page.title, *page.aliases, *symptoms(page.slug))
    parted = [" ".join(alert_words(alias)) for alias in page.aliases]
    keys = list(dict.fromkeys(" ".join(dict.fromkeys(key_words(name))) for name in (*names, *parted)))
    forms = sorted({form for key in keys for form in key.split(" ")})
    return {
        "slug": page.slug,
        "worth": _OBSOLETE_WORTH if page.obsolete_since else 1.0,
        "origin": page.origin,
        "overrides": int(page.overrides),
        "file": page.file,
        "obsolete_since": page.obsolete_since,
        "title": page.title,
        "summary": page.summary,
        "aliases": ", ".join([*names, *parted, *forms]),
        "subjects": ", ".join(page.subjects),
        "body": plain_text(page.body),
        "text": page.text,
        "names": [
            (name_key(name), rank)
            for rank, ranked in enumerate(((page.slug, page.title), page.aliases, symptoms(page.slug)))
            for name in ranked
        ],
        "keys": "\n".join(keys),
        "about": " ".join(sorted({*forms, *key_words(" ".join((*page.subjects, page.summary)))})),
    }
