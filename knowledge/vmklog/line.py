"""A line of a log as the finders see it, and what they are: the values that pass between the scan and the finders."""

from __future__ import annotations

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

    def finding(self, start: int, end: int, meaning: Meaning) -> Finding:
        """Return the finding of the characters from ``start`` up to ``end``."""
        return Finding(self.number, start, end, self.text[start:end], meaning)


class Finder(NamedTuple):
    """Finds one sort of thing in lines."""

    signs: Callable[[Tables], Iterable[str]]
    """Returns regular expressions; each line in which ``find`` finds something matches one of them.

    They are matched against bytes (UTF-8), without regard to case unless they begin with ``(?-i)``, and are restricted
    to what both Python and Hyperscan support: no look-around and no back-references. They never match a line feed.
    """
    find: Callable[[Line], Iterator[Finding]]


class Markers:
    """Finds the places of some texts in a line one after the other, in a time that is linear in the line."""

    __slots__ = ("_lower", "_places")

    def __init__(self, lower: str, markers: Iterable[str]) -> None:
        self._lower = lower
        self._places = {marker: lower.find(marker) for marker in markers}

    def next(self, at: int) -> int:
        """Return the first place of any marker from ``at`` on, which never decreases; -1 when there is none."""
        first = -1
        for marker, place in self._places.items():
            if 0 <= place < at:
                place = self._places[marker] = self._lower.find(marker, at)
            if place >= 0 and (place < first or first < 0):
                first = place
        return first


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
