"""A line of a log as the finders see it, and what they are: the values that pass between the scan and the finders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from string import ascii_uppercase
from typing import NamedTuple

from knowledge.vmkerr.table import Tables
from knowledge.vmklog.finding import Finding, Meaning
from knowledge.vmklog.origin import Origin

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


def lowercase(line: str) -> str:
    """Return a line in lower case and of the same length: a few Unicode characters would become two."""
    lower = line.lower()
    return lower if len(lower) == len(line) else line.translate(_LOWERCASE)
