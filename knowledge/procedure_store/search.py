"""Searches the tables of the store: by the words of a user, and by the name of an alert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knowledge.procedure_store.query import alert_words, any_of, name_key
from knowledge.procedure_store.ranking import Rated, candidates, ranked
from knowledge.procedure_store.terms import Term, terms
from knowledge.procedure_store.text import MARK_END, MARK_START

if TYPE_CHECKING:
    from sqlite_utils import Database

MAX_HITS = 100
"""The most pages that one search returns."""

_WORTH_SHOWING = 0.35
"""A page is not shown when its score is less than this fraction of the best score."""

_WEAK = 0.4
"""A match is weak when the page has less than this share of the words, or of the words for things, by their weight."""

_FAINT = 0.37
"""A match is weak when the page fits the words less than this, from 0 to 1."""

_FOREIGN = 1.6
"""How much a word counts for that when no page has it, beside 1 for the others: it probably names another product."""

_STATE_FORMS = """
    crash corrupt critic deep degrad down error expire fail full hang high lock low
    missing nostart old reboot remove restore slow stop timeout unmapped wrong
"""
_STATES = frozenset(_STATE_FORMS.split())
"""Forms that show what is wrong, but not with what: other things than those of the pages are down or full, too."""

_IN_BODY = 0.6
"""How much a word counts for the match when the page has it in its summary or body only, not in its names."""

_LONG, _FITS = 5, 0.38
"""With so many known words, as in a pasted message, a page with at least this score is no weak match."""

_PAGE = "SELECT slug, title, summary, origin, obsolete_since FROM pages WHERE id = ?"

_NAMES_ALERT = 0.75
"""The least fit (0 to 1) of a name of a page to the name of an alert; unknown words count as not fitting."""

_SNIPPET = "SELECT snippet(search, ?, ?, ?, '…', 18) FROM search WHERE search MATCH ? AND rowid = ?"

_SNIPPET_COLUMNS = (4, 3)
"""The numbers of the columns that snippets come from: the body, or else the summary."""

_NAMED = """
    SELECT slug, id FROM names JOIN pages USING (slug) WHERE name = ? ORDER BY origin DESC, rank, slug LIMIT 1
"""  # "team" sorts before "built-in"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A page that matches; a better match has a higher ``score``, and ``snippet`` has marks around matched words."""

    slug: str
    title: str
    summary: str
    snippet: str
    """A part of the page; the matched words stand between ⟦ and ⟧."""
    score: float
    """Grows with the match."""
    origin: str
    obsolete_since: str
    weak: bool = False
    """True when the page has few of the words, so that it is probably about something else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Searched:
    """What a search looks at: how many pages, and the paths of their folders."""

    pages: int
    folders: tuple[str, ...]

    def in_words(self) -> str:
        """Return what was searched, and how to write the page that is missing, in sentences for people."""
        pages = "1 page" if self.pages == 1 else f"{self.pages:,} pages"
        return (
            f"Searched {pages} in {' and '.join(self.folders)}. To write a page, put what `vmkops kb template` prints "
            "into the folder that VMKOPS_PROCEDURES_DIR names, and give it these words as an alias."
        )


def search(database: Database, words: str, limit: int, first: Sequence[str] = ()) -> list[Hit]:
    """Return the best pages for ``words``, at most ``limit``.

    The pages with the slugs in ``first`` come first. The others contain all words, or some of them in their names; if
    there are no such pages, they contain some of the words. A page that has exactly these words as one of its names is
    the best one.
    """
    limit = max(1, min(limit, MAX_HITS))
    found = terms(database, words)
    some = [term for term in found if term.match]
    preferred = _ids(database, first)
    order = ranked(database, some, candidates(database, some), preferred, limit)
    exact = _named(database, words)
    if exact:
        best = max((rated.score for rated in order), default=1.0)
        order = [Rated(exact["id"], best, 1.0, 1.0, frozenset()), *(each for each in order if each.page != exact["id"])]
    if not order:
        return []
    worth_showing = order[0].score * _WORTH_SHOWING
    kept = [each for each in order if each.score >= worth_showing][:limit]
    certain = {exact["id"] if exact else None, *preferred}
    return [
        _hit(database, rated, some, weak=rated.page not in certain and _weak(database, rated, found)) for rated in kept
    ]


def slug_for_alert(database: Database, alert_name: str) -> str | None:
    """Return the slug of the page with the alert's name, or of the page with a name that has most of its words."""
    if named := slug_named(database, alert_name):
        return named
    found = terms(database, " ".join(alert_words(alert_name)))
    some = [term for term in found if term.certainty == 1]
    order = ranked(database, some, candidates(database, some))
    if not order:
        return None
    best = max(order[:10], key=lambda rated: (rated.name, rated.score))
    known_part = sum(term.weight for term in some) / sum(term.weight for term in found)
    if best.name * known_part < _NAMES_ALERT:
        return None
    return str(_rows(database, "SELECT slug FROM pages WHERE id = ?", best.page)[0]["slug"])


def slug_named(database: Database, name: str) -> str | None:
    """Return the slug of the page with this name as its slug, title, alias or symptom, whatever its case and signs."""
    named = _named(database, name)
    return str(named["slug"]) if named else None


def slugs_named(database: Database, key: str) -> list[str]:
    """Return the slugs of the pages that have a name with this key (``query.name_key``) as slug, title or alias."""
    sql = "SELECT DISTINCT slug FROM names WHERE name = ? AND rank < 2 ORDER BY slug"
    return [str(row["slug"]) for row in _rows(database, sql, key)]


def _named(database: Database, name: str) -> dict[str, Any] | None:
    return next(iter(_rows(database, _NAMED, name_key(name))), None)


def _ids(database: Database, slugs: Sequence[str]) -> list[int]:
    """Return the ids of the pages with these slugs, in order; slugs without a page are left out."""
    found = [_rows(database, "SELECT id FROM pages WHERE slug = ?", slug) for slug in dict.fromkeys(slugs)]
    return [rows[0]["id"] for rows in found if rows]


def _rows(database: Database, sql: str, *parameters: object) -> list[dict[str, Any]]:
    found = database.conn.execute(sql, parameters)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]


def _has(database: Database, page: int, query: str) -> bool:
    sql = "SELECT 1 FROM search WHERE search MATCH ? AND rowid = ?"
    return database.execute(sql, [query, page]).fetchone() is not None


def _hit(database: Database, rated: Rated, some: Sequence[Term], *, weak: bool) -> Hit:
    row = _rows(database, _PAGE, rated.page)[0]
    snippet = _snippet(database, rated.page, any_of([term.match for term in some])) if some else ""
    return Hit(**row, snippet=snippet, score=round(rated.score, 4), weak=weak)


def _snippet(database: Database, page: int, match: str) -> str:
    """Return a part of the page with marks around the matched words; empty when only its names match."""
    for column in _SNIPPET_COLUMNS:
        row = database.execute(_SNIPPET, [column, MARK_START, MARK_END, match, page]).fetchone()
        if row and MARK_START in row[0]:
            return str(row[0])
    return ""


def _weak(database: Database, rated: Rated, found: Sequence[Term]) -> bool:
    """Return whether a page is probably about something else than the terms.

    It is not when it has the only one. Else it is when it fits them little, or when it has less than ``_WEAK`` of
    them, or of those for things, by their weight.
    A corrected word counts less, and so does one that only the body has; one that is both does not count.
    """
    some = [term for term in found if term.match]
    if len(some) >= _LONG and rated.fit >= _FITS:
        return False
    if len(found) == len(some) == 1 and some[0].certainty == 1 and _has(database, rated.page, some[0].match):
        return False
    if rated.fit < _FAINT:
        return True
    needed = {term: _WEAK * term.weight * (1.0 if term.match else _FOREIGN) for term in found}
    matched = dict.fromkeys(found, 0.0)
    for place, term in enumerate(some):
        if place in rated.named:
            matched[term] = term.weight * term.certainty**2
        elif term.certainty == 1 and _has(database, rated.page, term.match):
            matched[term] = term.weight * _IN_BODY
    things = [term for term in found if not term.forms & _STATES]
    return any(sum(matched[term] for term in each) < sum(needed[term] for term in each) for each in (found, things))
