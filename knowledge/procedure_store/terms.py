"""Turns the words of a search into terms: each with the query that finds it and its weight.

A word that no page has is taken apart (``NfsDatastoreDown``, ``poweron``), joined with its neighbor (``v motion``), or
replaced by the nearest known words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from knowledge.procedure_store.query import (
    MAX_CHARACTERS,
    any_of,
    camel_case_parts,
    phrase,
)
from knowledge.procedure_store.wording import STOP_WORDS, key_forms, split_words, stem
from knowledge.spelling import can_be_mistyped, nearest_words, spelling_keys

if TYPE_CHECKING:
    from sqlite_utils import Database

MAX_TERMS = 12
"""How many terms of a query are used: the rarest ones."""

_COUNTED = 300
"""From so many pages on, the number of pages with a word is not counted further."""
_MAX_COMPLETED = 12
"""How many words an unfinished one is completed to."""
_MOST_MISSING = 8
"""The most letters that an unfinished word is completed by. Longer words are names in CamelCase."""
_MAX_WORDS = 40
_SHORTEST_JOINED = 5
_GENERAL = frozenset({"vmwar", "vspher"})
"""Forms that say little here even if few pages have them as a name."""
_GENERAL_WEIGHT = 0.4
_NUMBER_WEIGHT = 0.1
"""The factor for a number, release, address or device that no page has as a name: it shows where, not what."""
_TYPED, _CORRECTED, _UNKNOWN = 1.0, 0.7, 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """A word or a phrase of a search."""

    match: str
    """The query for pages that have the term in any of its forms; empty when no page has it."""
    forms: frozenset[str]
    """The forms (see ``wording``) that are this term in the name of a page."""
    certainty: float
    """1 for a word as typed, less for a corrected one, 0 for one that no page has."""
    weight: float
    """Grows with the rarity of the term in the names of pages."""
    form: str = ""
    """The form of the words as typed."""
    starts: tuple[str, ...] = ()
    """How the words of the term start in a text, in lower case."""
    names: bool = False
    """Whether any page has the term in its names."""


def terms(database: Database, text: str) -> list[Term]:
    """Return the terms of a search in order, at most ``MAX_TERMS``, the rarest ones."""
    typed = _joined(database, split_words(text[:MAX_CHARACTERS])[:_MAX_WORDS])
    words = [each for place, word in enumerate(typed) for each in _read(database, word, last=place == len(typed) - 1)]
    corrected = {after for after, before in words if after != before}
    pages = database.execute("SELECT max(id) FROM pages").fetchone()[0] or 0
    forms = key_forms([after for after, _ in words])
    by_form: dict[str, Term] = {}
    for place, (form, phrased) in enumerate(forms):
        if form not in by_form:
            certainty = _CORRECTED if corrected.intersection(phrased) else _TYPED
            by_form[form] = _term(database, form, phrased, certainty, last=place == len(forms) - 1, pages=pages)
    kept = sorted(by_form.values(), key=lambda term: -term.weight)[:MAX_TERMS]
    return [term for term in by_form.values() if term in kept]


def known(database: Database, match: str) -> bool:
    """Return whether any page matches a query."""
    return database.execute("SELECT 1 FROM search WHERE search MATCH ? LIMIT 1", [match]).fetchone() is not None


def _term(database: Database, form: str, typed: Sequence[str], certainty: float, *, last: bool, pages: int) -> Term:
    word = " ".join(typed)
    completed = _completed(database, word) if last and len(typed) == 1 and certainty == _TYPED else []
    matches = [phrase(each) for each in dict.fromkeys((word, *completed))]
    if form not in (word.lower(), stem(word)):
        matches.append(phrase(form))
    match = any_of(matches)
    if not known(database, match):
        return Term(match="", forms=frozenset(), certainty=_UNKNOWN, weight=math.log1p(pages) * _worth(form, 0))
    named = _count_named(database, match)
    return Term(
        match=match,
        forms=frozenset([form, *(found for each in completed for found, _ in key_forms([each]))]),
        certainty=certainty,
        weight=math.log1p(pages / (1 + named)) * _worth(form, named),
        form=form,
        starts=tuple({stem(each) for each in (word, form)}),
        names=named > 0,
    )


def _worth(form: str, named: int) -> float:
    """Return the factor for the weight of a term that ``named`` pages have in their names."""
    if form in _GENERAL:
        return _GENERAL_WEIGHT
    return 1.0 if named or form.isalpha() else _NUMBER_WEIGHT


def _completed(database: Database, word: str) -> list[str]:
    """Return the shortest known words that an unfinished word can become; none for a word that is known as it is."""
    if len(word) < 2 or not word.isalpha() or _spelled(database, word.lower()):
        return []
    sql = """SELECT word FROM spellings
        WHERE key >= ?1 AND key < ?1 || '\U0010ffff' AND word = key AND length(word) <= ?2
        ORDER BY length(word), word LIMIT ?3"""
    longest = len(word) + _MOST_MISSING
    return [found for (found,) in database.execute(sql, [word.lower(), longest, _MAX_COMPLETED])]


def _joined(database: Database, words: list[str]) -> list[str]:
    """Return the words with two neighbors as one where pages know only the joined word, as in ``snap shot``."""
    joined: list[str] = []
    for word in words:
        both = joined[-1] + word if joined else ""
        if (
            len(both) >= _SHORTEST_JOINED
            and both.isalpha()
            and both.islower()
            and _spelled(database, both)
            and not known(database, phrase(f"{joined[-1]} {word}"))
        ):
            joined[-1] = both
        else:
            joined.append(word)
    return joined


def _read(database: Database, word: str, *, last: bool) -> list[tuple[str, str]]:
    """Return the words that a typed word stands for, each with the word as typed.

    A word that no page has is taken apart, as ``NfsDatastoreDown`` or ``poweron``, or corrected. So is one that pages
    have only by a stem that it shares with another word, as ``maintenence`` does. The last one can be unfinished.
    """
    if word.lower() in STOP_WORDS:
        return [(word, word)]
    in_pages = known(database, phrase(word))
    parts = camel_case_parts(word)
    if not word.isalpha() and (in_pages or sum(len(part) > 1 and part.isalpha() for part in parts) < 2):
        return [(word, word)]
    if in_pages and any(_spelled(database, each) for each in (word.lower(), stem(word))):
        return [(word, word)]
    if len(parts) > 1 and not in_pages:
        return [each for part in parts for each in _read(database, part, last=False)]
    if not in_pages and (two := _two_words(database, word.lower())):
        return [(part, part) for part in two]
    if last and not in_pages and _completed(database, word):
        return [(word, word)]
    return [(_corrected(database, word), word)]


def _two_words(database: Database, word: str) -> tuple[str, str] | None:
    """Return the two known words that ``word`` consists of, or None; the longer the shorter of them, the better."""
    places = sorted(range(2, len(word) - 1), key=lambda place: abs(2 * place - len(word)))
    if not can_be_mistyped(word) or len(word) < _SHORTEST_JOINED + 1:
        return None
    for place in places:
        one, other = word[:place], word[place:]
        short = min(len(one), len(other)) < 3
        if (not short or one in ("vm", "ds") or other in ("on", "up")) and all(
            _spelled(database, each) or known(database, phrase(each)) for each in (one, other)
        ):
            return one, other
    return None


def _corrected(database: Database, word: str) -> str:
    """Return the known word that a mistyped one was probably meant to be, or the word itself.

    Of several equally near ones, it is the one that names the most pages.
    """
    if not can_be_mistyped(word):
        return word
    keys = sorted(spelling_keys(word.lower()))
    sql = f"SELECT DISTINCT word FROM spellings WHERE key IN ({', '.join('?' * len(keys))})"  # noqa: S608
    nearest = nearest_words(word, [found for (found,) in database.execute(sql, keys)])
    return max(nearest, key=lambda near: _count_named(database, phrase(near)), default=word)


def _spelled(database: Database, word: str) -> bool:
    sql = "SELECT 1 FROM spellings WHERE key = ?1 AND word = ?1"
    return database.execute(sql, [word]).fetchone() is not None


def _count_named(database: Database, match: str) -> int:
    """Return how many pages match a query in their names, at most ``_COUNTED``."""
    sql = "SELECT count(*) FROM (SELECT 1 FROM search_names WHERE search_names MATCH ? LIMIT ?)"
    return int(database.execute(sql, [match, _COUNTED]).fetchone()[0])
