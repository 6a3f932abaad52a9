"""Searches the tables of the store: by the words of a user, and by the name of an alert."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knowledge.procedure_store.query import (
    alert_words,
    all_of,
    any_of,
    camel_case_parts,
    in_names,
    name_key,
    phrase,
    typed_words,
)
from knowledge.procedure_store.text import MARK_END, MARK_START
from knowledge.spelling import can_be_mistyped, nearest_words, spelling_keys

if TYPE_CHECKING:
    from sqlite_utils import Database

MAX_HITS = 100
"""The most pages that one search returns."""

_ENOUGH = 1000
"""How many matches of one query are ranked. A word in more pages says little about them; the names of pages decide."""

_CONTENDERS = 300
"""How many of the best pages are ranked again with their factor, which moves obsolete pages down."""

_WORTH_SHOWING = 0.2
"""A page is not shown when its score is less than this fraction of the best score."""

_SCORES = """
    SELECT rowid AS page, -bm25(search, 10.0, 8.0, 5.0, 3.0, 1.0) AS score FROM search WHERE search MATCH ? LIMIT ?
"""  # the weights of title, aliases, subjects, summary and body

_HIT = """
    SELECT slug, pages.title, pages.summary, origin, obsolete_since,
        snippet(search, 4, ?1, ?2, '…', 18) AS inside, snippet(search, -1, ?1, ?2, '…', 18) AS anywhere
    FROM search JOIN pages ON pages.id = search.rowid WHERE search MATCH ?3 AND search.rowid = ?4
"""

_NAMED = """
    SELECT slug, id FROM names JOIN pages USING (slug) WHERE name = ? ORDER BY origin DESC, slug LIMIT 1
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


def search(database: Database, words: str, limit: int) -> list[Hit]:
    """Return the best pages for ``words``, at most ``limit``.

    They contain all words, or some of them in their names; if there are no such pages, they contain some of the words.
    A page that has exactly these words as one of its names is the best one.
    """
    queries = list(_queries(database, typed_words(words)))
    if not queries:
        return []
    some = any_of(queries)
    scores = _scores(database, all_of(queries))
    _add(scores, _scores(database, in_names(some)))
    if not scores:
        scores = _scores(database, some)
    ranked = _named_first(database, words, _ranked(database, scores))
    worth_showing = ranked[0][1] * _WORTH_SHOWING
    best = [(page, score) for page, score in ranked if score >= worth_showing]
    return [_hit(database, page, score, some) for page, score in best[: max(1, min(limit, MAX_HITS))]]


def slug_for_alert(database: Database, alert_name: str) -> str | None:
    """Return the slug of the page with the alert's name, or of the best page named by at least half of its words."""
    if named := slug_named(database, alert_name):
        return named
    words = alert_words(alert_name)
    queries = [query for query in (in_names(phrase(word)) for word in words) if _known(database, query)]
    if not queries or len(queries) * 2 < len(words):
        return None
    best = _ranked(database, _scores(database, any_of(queries)))[:10]
    covered, _, page = max((_covered(database, page, queries), score, page) for page, score in best)
    if covered * 2 < len(words):
        return None
    return str(_rows(database, "SELECT slug FROM pages WHERE id = ?", page)[0]["slug"])


def slug_named(database: Database, name: str) -> str | None:
    """Return the slug of the page with this name as its slug, title or alias, regardless of case and separators."""
    named = _rows(database, _NAMED, name_key(name))
    return str(named[0]["slug"]) if named else None


def _rows(database: Database, sql: str, *parameters: object) -> list[dict[str, Any]]:
    return list(database.query(sql, parameters))


def _queries(database: Database, words: list[str]) -> Iterator[str]:
    """Yield a query for each word that some page has: as typed, in its parts, or as the nearest known words."""
    for place, word in enumerate(words):
        unfinished = place == len(words) - 1 and len(word) > 1 and not _common(database, phrase(word))
        typed = phrase(word, prefix=unfinished)
        parts = all_of([phrase(part) for part in camel_case_parts(word)])
        if _known(database, typed):
            yield typed
        elif _known(database, parts):
            yield parts
        elif can_be_mistyped(word) and (corrections := _corrections(database, word.lower())):
            yield any_of(corrections)


def _corrections(database: Database, word: str) -> list[str]:
    """Return queries for the known words that are nearest to a mistyped one."""
    keys = sorted(spelling_keys(word))
    sql = f"SELECT DISTINCT word FROM spellings WHERE key IN ({', '.join('?' * len(keys))})"  # noqa: S608
    candidates = [row["word"] for row in _rows(database, sql, *keys)]
    return [query for query in map(phrase, nearest_words(word, candidates)) if _known(database, query)]


def _known(database: Database, match: str) -> bool:
    return bool(_rows(database, "SELECT 1 FROM search WHERE search MATCH ? LIMIT 1", match))


def _common(database: Database, match: str) -> bool:
    """Return True for a query that very many pages match.

    Such a word counts as complete, because the search for every word that starts with it would be slow.
    """
    sql = "SELECT count(*) AS pages FROM (SELECT 1 FROM search WHERE search MATCH ? LIMIT ?)"
    return bool(_rows(database, sql, match, _ENOUGH)[0]["pages"] == _ENOUGH)


def _covered(database: Database, page: int, queries: list[str]) -> int:
    """Return how many of the queries match the page."""
    sql = "SELECT 1 FROM search WHERE search MATCH ? AND rowid = ?"
    return sum(bool(_rows(database, sql, query, page)) for query in queries)


def _ranked(database: Database, scores: dict[int, float]) -> list[tuple[int, float]]:
    """Return the best pages as (page id, score times factor), best first."""
    best = heapq.nlargest(_CONTENDERS, scores, key=lambda page: (scores[page], -page))
    sql = f"SELECT id, worth FROM pages WHERE id IN ({', '.join('?' * len(best))})"  # noqa: S608
    weighted = [(row["id"], scores[row["id"]] * row["worth"]) for row in _rows(database, sql, *best)]
    return sorted(weighted, key=lambda one: (-one[1], one[0]))


def _named_first(database: Database, words: str, ranked: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Move the page that is named exactly like the words to the start, with the best score."""
    rows = _rows(database, _NAMED, name_key(words))
    if not rows:
        return ranked
    named, best = rows[0]["id"], max((score for _, score in ranked), default=0.0)
    return [(named, best), *((page, score) for page, score in ranked if page != named)]


def _add(scores: dict[int, float], more: dict[int, float]) -> None:
    """Add more pages to ``scores``, each with the better of its two scores."""
    for page, score in more.items():
        scores[page] = max(score, scores.get(page, score))


def _scores(database: Database, match: str) -> dict[int, float]:
    return {row["page"]: row["score"] for row in _rows(database, _SCORES, match, _ENOUGH)}


def _hit(database: Database, page: int, score: float, match: str) -> Hit:
    row = _rows(database, _HIT, MARK_START, MARK_END, match, page)[0]
    inside, anywhere = row.pop("inside"), row.pop("anywhere")
    return Hit(**row, snippet=inside if MARK_START in inside else anywhere, score=round(score, 4))
