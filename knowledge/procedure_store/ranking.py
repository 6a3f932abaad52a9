"""Ranks the pages that match a search: by the names that fit its terms best, then by how often they have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from knowledge.procedure_store.query import all_of
from knowledge.procedure_store.terms import Term

if TYPE_CHECKING:
    from sqlite_utils import Database

_CONTENDERS = 60
"""How many of the pages with the best text score are ranked by their names, at least."""

_BEST_NAME, _ALL_NAMES, _TEXT = 0.65, 0.25, 0.1
"""What the score of a page consists of: its best name, the terms in any of its names, and its text score."""

_WHOLE_NAME = 0.7
"""The part of the score of a name that depends on how much of the name the terms cover."""

_TERMS_OF_A_NAME = 3
"""How many terms, the rarest ones, fit a name completely. A pasted message has more words than any name."""

_IN_A_ROW = 1.2
"""The factor for a name whose words are all typed one after the other."""

_ENOUGH = 300
"""How many matches of one query are ranked. A word in more pages says little about them; the names of pages decide."""

_IN_TEXT = 0.3
"""What a term counts for the text score when it is anywhere in the page, beside 1 when it is in a name."""

_MATCHES = "SELECT rowid FROM search WHERE search MATCH ? LIMIT ?"
_NAMED = "SELECT rowid FROM search_names WHERE search_names MATCH ? LIMIT ?"


class Rated(NamedTuple):
    """A page with its score."""

    page: int
    score: float
    name: float
    """How well its best name fits the terms, 0 to 1."""
    named: frozenset[int]
    """The places of the terms that are in its names, subjects or summary."""


def candidates(database: Database, some: Sequence[Term]) -> dict[int, float]:
    """Return the pages that match the terms, each with its text score: the weights of the terms that it has.

    bm25 of FTS5 is not used, because it counts every page that has a word: in a large store, a common word takes long.
    """
    scores: dict[int, float] = {}

    def add(match: str, weight: float) -> None:
        for sql, part in ((_NAMED, 1.0), (_MATCHES, _IN_TEXT)):
            for (page,) in database.execute(sql, [match, _ENOUGH]):
                scores[page] = scores.get(page, 0.0) + weight * part

    for term in some:
        add(term.match, term.weight)
    if len(some) > 1:
        everything = all_of([term.match for term in some])
        total = sum(term.weight for term in some)
        add(everything, total)
    return scores


def ranked(
    database: Database, some: Sequence[Term], scores: dict[int, float], first: Sequence[int] = (), limit: int = 0
) -> list[Rated]:
    """Return the best pages, at least ``limit``, best first; the pages in ``first`` come before all others."""
    by_text = sorted(scores, key=lambda page: (-scores[page], page))[: max(_CONTENDERS, limit)]
    best = list(dict.fromkeys([*first, *by_text]))
    highest = scores[by_text[0]] if by_text else 1.0
    total = sum(term.weight for term in some)
    naming = sorted((term.weight for term in some if term.names), reverse=True)
    long = total / (sum(naming[:_TERMS_OF_A_NAME]) or total) if some else 1.0
    sql = f"SELECT id, worth, keys, about FROM pages WHERE id IN ({', '.join('?' * len(best))})"  # noqa: S608
    rated: list[Rated] = []
    for page, worth, keys, about in database.execute(sql, best):
        name, names, named = _in_names(some, keys, about)
        score = _BEST_NAME * name * long + _ALL_NAMES * names + _TEXT * max(0.0, scores.get(page, 0.0)) / highest
        extra = max(0.1, 1.0 - 0.1 * first.index(page)) if page in first else 0.0
        rated.append(Rated(page, score * worth + extra, min(1.0, name), named))
    return sorted(rated, key=lambda one: (-one.score, one.page))


def _in_names(some: Sequence[Term], keys: str, about: str) -> tuple[float, float, frozenset[int]]:
    """Return the score of the name that fits the terms best, the share of terms in all names, and their places.

    Both numbers are from 0 to 1. ``keys`` and ``about`` are the columns of the page.
    """
    places = {form: place for place, term in enumerate(some) for form in term.forms}
    here = places.keys() & set(about.split(" "))
    if not here:
        return 0.0, 0.0, frozenset()
    weights = [term.weight * term.certainty for term in some]
    typed = f" {' '.join(term.form for term in some)} "
    best = 0.0
    for key in keys.split("\n"):
        words = key.split(" ")
        if found := here.intersection(words):
            share = sum(weights[place] for place in {places[form] for form in found})
            fit = share * (1 - _WHOLE_NAME + _WHOLE_NAME * len(found) / len(words))
            best = max(best, fit * _IN_A_ROW if len(words) > 1 and f" {key} " in typed else fit)
    named = frozenset(places[form] for form in here)
    total = sum(term.weight for term in some)
    return best / total, sum(weights[place] for place in named) / total, named
