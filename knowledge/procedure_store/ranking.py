"""Ranks the pages that match a search: by the names that fit its terms, and by how often names and text have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from knowledge.procedure_store.query import all_of
from knowledge.procedure_store.terms import Term

if TYPE_CHECKING:
    from sqlite_utils import Database

_CONTENDERS = 60
"""How many of the pages with the best text score are ranked by their names, at least."""

_REREAD = 12
"""For how many of the best pages the terms in the body are counted."""

_BEST_NAME, _TITLE, _ALL_NAMES, _OFTEN, _TEXT, _BODY = 0.19, 0.18, 0.08, 0.23, 0.12, 0.2
"""What the score of a page consists of: its best name, its title, the terms in any of its names, how many of its names
have them, its text score, and how often its body has them.

A logistic regression on typed words gave these numbers, each time for words that the pages did not have as a name.
"""

_FITS_WELL, _WELL = 0.6, 0.6
"""From what fit on the best name counts more, and by how much: nearly the same words are better than frequent ones."""

_OFTEN_ENOUGH = 8
"""With so many names of the usual number, a term counts half of what it counts in all names."""

_USUAL_NAMES = 64
"""How many names a page usually has. In a page with fewer names, one name counts more."""

_OFTEN_IN_BODY = 4
"""As often in a body of the usual length, a term counts half of what it counts at most."""

_USUAL_BODY = 3500
"""How many characters a body usually has."""

_WHOLE_NAME = 0.7
"""The part of the score of a name that depends on how much of the name the terms cover."""

_TERMS_OF_A_NAME = 3
"""How many terms, the rarest ones, fit a name completely. A pasted message has more words than any name."""

_TITLES = 2
"""How many of the names are the slug and the title, which come first."""

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
    fit: float
    """How well it fits the terms, 0 to 1: its score without what moves it up or down."""
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
    worths: dict[int, float] = {}
    for page, worth, keys, about in database.execute(sql, best):
        fit = _in_names(some, keys, about)
        score = (
            (_BEST_NAME * fit.best + _TITLE * fit.title) * long
            + _WELL * max(0.0, fit.best * long - _FITS_WELL)
            + _ALL_NAMES * fit.names
            + _OFTEN * fit.often
            + _TEXT * max(0.0, scores.get(page, 0.0)) / highest
        )
        extra = max(0.1, 1.0 - 0.1 * first.index(page)) if page in first else 0.0
        worths[page] = worth
        rated.append(Rated(page, score * worth + extra, score, min(1.0, fit.best * long), fit.named))
    rated.sort(key=lambda one: (-one.score, one.page))
    in_bodies = _in_bodies(database, some, [one.page for one in rated[:_REREAD]])
    reread = []
    for one in rated[:_REREAD]:
        more = _BODY * in_bodies[one.page]
        reread.append(one._replace(score=one.score + more * worths[one.page], fit=one.fit + more))
    return sorted([*reread, *rated[_REREAD:]], key=lambda one: (-one.score, one.page))


class _Fit(NamedTuple):
    """How well the names of a page fit some terms, each from 0 to 1."""

    best: float = 0.0
    """How well the best name fits."""
    title: float = 0.0
    """How well the better one of slug and title fits."""
    names: float = 0.0
    """The share of the terms that are in any name."""
    often: float = 0.0
    """In how many names the terms are."""
    named: frozenset[int] = frozenset()
    """The places of the terms that are in any name."""


def _in_names(some: Sequence[Term], keys: str, about: str) -> _Fit:
    """Return how the names of a page fit; ``keys`` and ``about`` are its columns."""
    places = {form: place for place, term in enumerate(some) for form in term.forms}
    here = places.keys() & set(about.split(" "))
    if not here:
        return _Fit()
    weights = [term.weight * term.certainty for term in some]
    typed = f" {' '.join(term.form for term in some)} "
    best = title = 0.0
    counts = [0] * len(some)
    names = keys.split("\n")
    for at, key in enumerate(names):
        words = key.split(" ")
        if found := here.intersection(words):
            matched = {places[form] for form in found}
            for place in matched:
                counts[place] += 1
            share = sum(weights[place] for place in matched)
            fit = share * (1 - _WHOLE_NAME + _WHOLE_NAME * len(found) / len(words))
            if len(words) > 1 and f" {key} " in typed:
                fit *= _IN_A_ROW
            best = max(best, fit)
            if at < _TITLES:
                title = max(title, fit)
    named = frozenset(places[form] for form in here)
    total = sum(term.weight for term in some)
    half = _OFTEN_ENOUGH * (0.25 + 0.75 * len(names) / _USUAL_NAMES)
    often = sum(weight * count / (count + half) for weight, count in zip(weights, counts, strict=True))
    return _Fit(best / total, title / total, sum(weights[place] for place in named) / total, often / total, named)


def _in_bodies(database: Database, some: Sequence[Term], pages: Sequence[int]) -> dict[int, float]:
    """Return how often the bodies of pages have the terms, each from 0 to 1, by page."""
    total = sum(term.weight for term in some) or 1.0
    sql = f"SELECT id, lower(body) FROM pages WHERE id IN ({', '.join('?' * len(pages))})"  # noqa: S608
    found: dict[int, float] = {}
    for page, body in database.execute(sql, pages):
        half = _OFTEN_IN_BODY * len(body) / _USUAL_BODY
        score = 0.0
        for term in some:
            count = sum(body.count(f" {start}") for start in term.starts)
            score += term.weight * term.certainty * (count / (count + half) if count else 0.0)
        found[page] = score / total
    return found
