"""Which known word a mistyped one was meant to be.

Every known word is stored under a few keys: itself, itself with any one letter left out, and its consonants. A
mistyped word made into keys the same way meets it when one letter is missing, too many, another one or swapped,
or when only vowels went wrong; the edit distance then judges. Looking up keys costs the same for any number of
words (the idea is known as symmetric delete).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_KNOWN_WORD = re.compile(r"(?<![^\W_])[^\W\d_]{3,40}(?![^\W_])")
_VOWELS = re.compile(r"[aeiouy]+")
_DOUBLED = re.compile(r"(.)\1+")
_MAX_READINGS = 5


def known_words(text: str) -> set[str]:
    """The words of a text that a mistyped one may be corrected to: letters only, so never a code or a number."""
    return set(_KNOWN_WORD.findall(text.lower()))


def spelling_keys(word: str) -> set[str]:
    """The keys under which ``word`` is stored and looked for."""
    shorter = {word[:place] + word[place + 1 :] for place in range(len(word))}
    consonants = _DOUBLED.sub(r"\1", word[:1] + _VOWELS.sub("", word[1:]))
    return {word, "~" + consonants, *shorter}


def can_be_mistyped(word: str) -> bool:
    """False for what must be taken as typed: codes, numbers and words too short to judge."""
    return 4 <= len(word) <= 40 and word.isalpha()


def nearest_words(word: str, candidates: Iterable[str]) -> list[str]:
    """The candidates closest to ``word``, at most five, none of them further off than a slip of the fingers."""
    word = word.lower()
    reach = 1 if len(word) < 6 else 2
    by_distance: dict[int, list[str]] = {}
    for candidate in candidates:
        by_distance.setdefault(edit_distance(word, candidate), []).append(candidate)
    best = min(by_distance, default=reach + 1)
    return sorted(by_distance[best])[:_MAX_READINGS] if best <= reach else []


def edit_distance(one: str, other: str) -> int:
    """How many letters to add, drop, change or swap with their neighbour to make ``other`` of ``one``."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        here = [row]
        for column, wanted in enumerate(other, start=1):
            cost = min(above[column] + 1, here[-1] + 1, above[column - 1] + (letter != wanted))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == wanted:
                cost = min(cost, before[column - 2] + 1)
            here.append(cost)
        before, above = above, here
    return above[-1]
