"""A line of a log as the finders see it, and what they are: the values that pass between the scan and the finders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from string import ascii_uppercase
from typing import NamedTuple

from knowledge.vmkerr.table import Tables
from knowledge.vmklog.finding import Finding, Meaning
from knowledge.vmklog.origin import Origin

_ASCII = bytes(range(128))
_PRINTABLE = bytes(range(0xA0, 0x100))
_LOWERCASE = {ord(capital): capital.lower() for capital in ascii_uppercase}


@dataclass(slots=True)
class Context:
    """What earlier lines of the same log showed; finders read and change it.

    It is of a fixed size, however long the log is.
    """

    quiescing: int = 0
    """The number of the last line about quiescing; 0 before the first one."""
    psod: int = 0
    """The number of the last heading of a purple diagnostic screen whose first foreign frame is not yet found, or 0."""
    screen: int = 0
    """The number of the last banner or heading of a purple diagnostic screen; 0 before the first one."""


class Line(NamedTuple):
    """One line of a log, or a piece of a very long one."""

    number: int
    """From 1."""
    text: str
    lower: str
    """The text in lower case, of the same length."""
    origin: Origin
    """The release that wrote the line."""
    tables: Tables
    context: Context
    signs: frozenset[str] | None = None
    """The signs of finders that match the line; None when it was not searched for signs."""

    def may_have(self, signs: frozenset[str]) -> bool:
        """Return whether one of these signs matches the line, or may match it."""
        return self.signs is None or not self.signs.isdisjoint(signs)

    def matches(self, pattern: re.Pattern[str], *markers: str) -> Iterator[re.Match[str]]:
        """Yield the matches of a pattern that begin with one of some markers in lower case, in order.

        Where a marker is rare, this takes a fraction of the time of ``finditer``.
        """
        until = 0
        for at in places(self.lower, *markers):
            if at >= until and (found := pattern.match(self.text, at)):
                until = found.end()
                yield found

    def finding(self, start: int, end: int, meaning: Meaning) -> Finding:
        """Return the finding of the characters from ``start`` up to ``end``."""
        return Finding(self.number, start, end, self.text[start:end], meaning)


class Finder(NamedTuple):
    """Finds one sort of thing in lines."""

    signs: Callable[[Tables], Iterable[str]]
    """Returns regular expressions; each line in which ``find`` finds something matches one of them.

    They are matched against bytes (UTF-8), without regard to case unless they begin with ``(?-i)``, and are restricted
    to what both Python and Hyperscan support: no look-around and no back-references. They never match a line feed.
    Outside of groups, classes and repetitions, each has a text by which ``scan`` finds lines without Hyperscan.
    """
    find: Callable[[Line], Iterator[Finding]]


def first_place(text: str, *markers: str) -> int:
    """Return the place of the first of some markers in a text; -1 when it has none."""
    return min((at for at in map(text.find, markers) if at >= 0), default=-1)


def places(text: str, *markers: str) -> Iterator[int]:
    """Yield the places of some markers in a text in order, in a time that is linear in the text."""
    found = [(at, marker) for marker in markers if (at := text.find(marker)) >= 0]
    while len(found) > 1:
        first = min(found)
        at, marker = first
        yield at
        found.remove(first)
        at = text.find(marker, at + 1)
        if at >= 0:
            found.append((at, marker))
    for at, marker in found:
        while at >= 0:
            yield at
            at = text.find(marker, at + 1)


def lowercase(line: str) -> str:
    """Return a line in lower case and of the same length: a few Unicode characters would become two."""
    lower = line.lower()
    return lower if len(lower) == len(line) else line.translate(_LOWERCASE)


def text_of(line: bytes) -> str:
    """Decode a line: UTF-8; or Latin-1 when none of its other bytes is UTF-8; else U+FFFD for each that is not."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1") if is_latin_1(line) else line.decode("utf-8", "replace")


def is_latin_1(text: bytes) -> bool:
    """Return whether each byte beyond ASCII is a printable Latin-1 character and none is part of a UTF-8 character."""
    high = text.translate(None, _ASCII)
    return not high.translate(None, _PRINTABLE) and len(text.decode("utf-8", "ignore")) == len(text) - len(high)
