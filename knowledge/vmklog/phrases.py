"""Tables of message texts: each row has a pattern, and what a line that matches it means.

A pattern is a simple regular expression with case: literal text, character classes with bounded repetition, and named
groups without groups inside. It has no alternatives, and a literal part of at least six characters, by which lines are
selected quickly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from knowledge.vmklog.facts import Fact, facts
from knowledge.vmklog.line import Line

_GROUP = re.compile(r"\(\?P<\w+>[^()]*\)\??")
_LITERAL = re.compile(r"(?:(?<!\\)[\w ,/'#:%=@<>~&;!-](?![?*{+])|\\[.()\[\]](?![?*{+]))+")
_ESCAPED = re.compile(r"\\(.)")
_ESCAPED_BLANK = "\\ "
_NAMES_MESSAGE = 16
"""Characters with which the beginning of a message is enough to know the message by."""

_MARGIN = " ()[]<>'\":"


class Phrase(NamedTuple):
    """One row of a table, ready to be searched for."""

    literal: str
    """Text that each match has."""
    sign: str
    """A regular expression for the literal, as finders have them."""
    pattern: str
    fact: Fact


@cache
def phrases(table: str) -> tuple[Phrase, ...]:
    """Return the rows of a table in ``knowledge/data``, in the order of the file."""
    return tuple(_phrase(pattern, fact) for pattern, fact in facts(table).items())


def _phrase(pattern: str, fact: Fact) -> Phrase:
    literal = _literal(pattern)
    return Phrase(literal, f"(?-i){re.escape(literal).replace(_ESCAPED_BLANK, ' ')}", pattern, fact)


def matches(table: str, line: Line) -> Iterator[tuple[re.Match[str], Fact]]:
    """Yield the matches of the rows of a table in a line; of rows that overlap, the first one of the table counts."""
    text = line.text
    taken: list[tuple[int, int]] = []
    for phrase in phrases(table) if line.signs is None else _with_signs(table, line.signs):
        if phrase.literal not in text:
            continue
        for found in _compiled(phrase.pattern).finditer(text):
            start, end = found.span()
            if not any(start < other_end and other_start < end for other_start, other_end in taken):
                taken.append((start, end))
                yield found, phrase.fact


@lru_cache(maxsize=4096)
def _with_signs(table: str, signs: frozenset[str]) -> tuple[Phrase, ...]:
    """Return the rows of a table whose sign is among those of a line."""
    return tuple(phrase for phrase in phrases(table) if phrase.sign in signs)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern when a line first has its literal text: all of them together take 0.1 seconds."""
    return re.compile(pattern)


def signs(table: str) -> Iterable[str]:
    """Yield a regular expression for each row of a table, one of which each line that a row matches in matches."""
    yield from {phrase.sign for phrase in phrases(table)}


def about(found: re.Match[str]) -> str:
    """Return what the named groups of a match say, such as ``datastore DS01, world 2098009``."""
    named = {name.replace("_", " "): text.strip() for name, text in found.groupdict().items() if text}
    return ", ".join(f"{name} {text}" for name, text in named.items())


def span(found: re.Match[str]) -> tuple[int, int]:
    """Return a part of a match outside its named groups, whose texts may be findings of their own.

    It is what comes before the first group, because the beginning names the message. When that is short, it is the
    longest part.
    """
    inner = sorted(found.span(name) for name, text in found.groupdict().items() if text is not None)
    starts = [found.start(), *(end for _, end in inner)]
    ends = [*(start for start, _ in inner), found.end()]
    parts = list(zip(starts, ends, strict=True))
    if parts[0][1] - parts[0][0] >= _NAMES_MESSAGE:
        parts = parts[:1]
    start, end = max(parts, key=lambda part: part[1] - part[0])
    text = found.string[start:end]
    return start + len(text) - len(text.lstrip(_MARGIN)), end - len(text) + len(text.rstrip(_MARGIN))


def _literal(pattern: str) -> str:
    """Return the longest literal text outside of groups."""
    parts = _LITERAL.findall(_GROUP.sub("\n", pattern))
    return max((_ESCAPED.sub(r"\1", part) for part in parts), key=len)
