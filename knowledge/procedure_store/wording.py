"""Brings words to one form, so that names of pages match however somebody types them.

``VMs hung``, ``virtual machine is not responding`` and ``vm frozen`` all become ``vm hang``. Names get this form when a
page is stored, and queries when they are typed. The synonyms are in ``search_synonyms.tsv``: the columns ``word``, the
form that all of them get, and ``also``, the words and phrases that mean the same, separated by commas.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from unicodedata import normalize

from knowledge.data_files import data_lines

_WORD = re.compile(r"[^\W_]{1,60}")
_APOSTROPHE = re.compile(r"['\N{RIGHT SINGLE QUOTATION MARK}`](?<=\w.)(?=\w)")
"""It starts with the sign, not with what is before it: a search for a sign is several times as fast."""
_STOP = """
    a about after an and any anyone are as at be been but by can cannot cant could did didnt do does doesnt dont during
    each every fix for from get got had has have hello help here hi how i if in into is isnt issue issues it its just me
    message messages my need needs no not now of on or our out please problem problems really same should show shows
    since so some still than thanks that the their them then there these this to too trouble two unable up us was we
    were what when where
    which while who why will with wont would you your
    again already also anybody anymore everything found getting gives goes going happen happened happens just keep keeps
    maybe only people said say says see seem seems someone somebody something suddenly tell tried try tries trying users
    very want wants went yet
    auf bei das der ein eine ich im ist nicht noch seit und von wir zu
"""
STOP_WORDS = frozenset(_STOP.split())
"""Words that say nothing about what a page is about."""

_ENDINGS = (
    *(("ations", ""), ("ation", ""), ("ating", ""), ("ated", ""), ("ates", ""), ("ate", ""), ("ions", ""), ("ion", "")),
    *(("ings", ""), ("ing", ""), ("ies", "y"), ("ied", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("ed", "")),
    *(("edly", ""), ("ly", ""), ("es", ""), ("s", ""), ("e", "")),
)
_SHORTEST_STEM = 3


def split_words(text: str) -> list[str]:
    """Return the words of a text as typed, without punctuation; ``won't`` is one word, ``wont``.

    Letters and digits in another form, such as the full-width ``ＡＰＤ``, become the usual ones (Unicode form NFKC).
    """
    if not text.isascii():
        text = normalize("NFKC", text)
    return _WORD.findall(_APOSTROPHE.sub("", text))


def key_words(text: str) -> tuple[str, ...]:
    """Return the words of a text in the form in which names and queries are compared, without stop words."""
    return tuple(form for form, _ in key_forms(split_words(text)))


def key_forms(words: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return the form of each significant word or phrase among ``words``, with the words as typed that have it.

    When all words are stop words, all of them count.
    """
    found = _forms(words, STOP_WORDS)
    return found or _forms(words, frozenset())


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return a word in lower case without its ending, so that singular and plural, noun and verb are alike."""
    word = word.lower()
    if not word.isalpha() or word.endswith(("ss", "us", "is")):
        return word
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word[: -len(ending)] + instead
    return word


def synonym_words() -> set[str]:
    """Return every single word of the table of synonyms."""
    return {word for phrase in _synonyms() for word in phrase if word.isalpha()}


def _forms(words: Sequence[str], stop_words: frozenset[str]) -> list[tuple[str, list[str]]]:
    synonyms, lengths = _synonyms(), _lengths()
    lower = [word.lower() for word in words]
    if lengths.keys().isdisjoint(lower):  # most names have no synonym
        return [(stem(low), [word]) for low, word in zip(lower, words, strict=True) if low not in stop_words]
    found: list[tuple[str, list[str]]] = []
    at = 0
    while at < len(lower):
        for length in lengths.get(lower[at], ()):
            if form := synonyms.get(tuple(lower[at : at + length])):
                found.append((form, list(words[at : at + length])))
                break
        else:
            length = 1
            if lower[at] not in stop_words:
                found.append((stem(lower[at]), [words[at]]))
        at += length
    return found


@cache
def _synonyms() -> dict[tuple[str, ...], str]:
    """Return the form of each word and phrase of the table, by its words."""
    forms: dict[tuple[str, ...], str] = {}
    for line in data_lines("search_synonyms.tsv"):
        word, also = line.split("\t")
        for phrase in (word, *also.split(", ")):
            forms[tuple(phrase.split(" "))] = word
    return forms


@cache
def _lengths() -> dict[str, list[int]]:
    """Return how many words the phrases have that start with a word, the longest first."""
    lengths: dict[str, set[int]] = {}
    for phrase in _synonyms():
        lengths.setdefault(phrase[0], set()).add(len(phrase))
    return {first: sorted(each, reverse=True) for first, each in lengths.items()}
