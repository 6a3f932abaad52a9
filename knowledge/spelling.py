"""Finds the known words that a mistyped word was probably meant to be.

Every known word is stored under a few keys: the word itself, the word with any one letter left out, and its
consonants. The keys of a mistyped word match one of them when a letter is missing, added, replaced or swapped with its
neighbor, or when only vowels differ. The edit distance then ranks the matches. A lookup by key takes the same time for
any number of words (the method is known as symmetric delete).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_WORD = re.compile(r"[^\W_]+")
_VOWELS = re.compile(r"[aeiouy]+")
_DOUBLED = re.compile(r"(.)\1+")
_MAX_CORRECTIONS = 5
_MAX_EDITS, _LONG_WORD = 2, 6
"""The most edits between a word and what was meant; a word that is not long has one."""
_SHORTEST_NAME, _LONGEST_NAME = 2, 80
"""Letters of a word for which a name is looked for; the shortest may only begin or be a part of one."""


def known_words(text: str) -> set[str]:
    """Return the words of a text that serve as corrections: letters only, so never a code or a number."""
    return {word for word in set(_WORD.findall(text.lower())) if 3 <= len(word) <= 40 and word.isalpha()}


def spelling_keys(word: str) -> set[str]:
    """Return the keys under which ``word`` is stored and looked up."""
    shorter = {word[:place] + word[place + 1 :] for place in range(len(word))}
    consonants = _DOUBLED.sub(r"\1", word[:1] + _VOWELS.sub("", word[1:]))
    return {word, "~" + consonants, *shorter}


def can_be_mistyped(word: str) -> bool:
    """Return False for input that must be taken literally: codes, numbers, and words too short to correct."""
    return 4 <= len(word) <= 40 and word.isalpha()


def nearest_words(word: str, candidates: Iterable[str]) -> list[str]:
    """Return the candidates closest to ``word``, at most five.

    They are at most one edit away for words of up to five letters, and at most two for longer ones.
    """
    word = word.lower()
    max_distance = 1 if len(word) < _LONG_WORD else _MAX_EDITS
    by_distance: dict[int, list[str]] = {}
    for candidate in candidates:
        by_distance.setdefault(edit_distance(word, candidate), []).append(candidate)
    best = min(by_distance, default=max_distance + 1)
    return sorted(by_distance[best])[:_MAX_CORRECTIONS] if best <= max_distance else []


def nearest_name(typed: str, names: Iterable[str]) -> str:
    """Return the name of a command, an option, a field or a thing that ``typed`` was probably meant to be, or nothing.

    Case, ``_`` instead of ``-``, and dashes in front do not count. A name is meant that is one or two edits away (as in
    `nearest_words`), that has the same parts in another order, or that alone begins with the word or has it as a part.
    """
    by_key = {_name_key(name): name for name in names}
    word = _name_key(typed)[:_LONGEST_NAME]
    if word in by_key:
        return by_key[word]
    if len(word) < _SHORTEST_NAME:
        return ""
    distances = {key: edit_distance(word, key) for key in by_key if abs(len(key) - len(word)) <= _MAX_EDITS}
    near = min(distances, key=lambda key: (distances[key], key[:1] != word[:1], key), default="")
    if near and len(word) > _SHORTEST_NAME and distances[near] <= (1 if len(word) < _LONG_WORD else _MAX_EDITS):
        return by_key[near]
    parts = sorted(word.split("-"))
    fitting: list[Callable[[str], bool]] = [
        lambda key: key.startswith(word),
        lambda key: sorted(key.split("-")) == parts,
        lambda key: word in key.split("-"),
    ]
    for fits in fitting:
        found = [key for key in by_key if fits(key)]
        if found:
            return by_key[found[0]] if len(found) == 1 else ""
    return ""


def _name_key(name: str) -> str:
    return name.lower().replace("_", "-").lstrip("-")


def edit_distance(one: str, other: str) -> int:
    """Return how many letters to add, remove, replace or swap with a neighbor to turn ``one`` into ``other``."""
    row_before_previous: list[int] = []
    previous_row = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        current_row = [row]
        for column, wanted in enumerate(other, start=1):
            cost = min(previous_row[column] + 1, current_row[-1] + 1, previous_row[column - 1] + (letter != wanted))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == wanted:
                cost = min(cost, row_before_previous[column - 2] + 1)
            current_row.append(cost)
        row_before_previous, previous_row = previous_row, current_row
    return previous_row[-1]
