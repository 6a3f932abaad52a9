"""Selects the lines of a block of log that may contain a finding, and the finders that may find it.

All signs of all finders are searched for in one pass by Hyperscan. On a platform for which there is no Hyperscan, the
Aho-Corasick algorithm finds the lines that have a text which some sign requires, and each such sign is then searched
for in the line. Where there is neither, every line is given to every finder: the findings are the same, and a log of
200 MB takes minutes instead of seconds.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from knowledge.vmkerr.table import Tables
from knowledge.vmklog.finders import FINDERS
from knowledge.vmklog.line import Finder


class Selection(NamedTuple):
    """What may find something in a line: the finders to run on it, and the signs that match it (as in ``Line``)."""

    finders: tuple[Finder, ...]
    signs: frozenset[str] | None


EVERYTHING = Selection(FINDERS, None)
"""For a line that was not searched for signs."""

NOTHING = Selection((), frozenset())
"""For a line that no sign matches."""

Selected = tuple[int, int, Selection]
"""Start and end of a line in its block, in bytes and without the line feed, and what may find something in it."""


Engine = Literal["hyperscan", "aho-corasick", "none"]
"""What searches for the signs; all select lines with the same findings."""

ENGINES: tuple[Engine, ...] = ("hyperscan", "aho-corasick", "none")
"""The fastest first."""

EXACT = "(?-i)"
"""The beginning of a sign that is matched with regard to case."""

_NOT_REQUIRED = re.compile(
    r"(?:\(\?:[^()]*\)|\[(?:\\.|[^\]])*\]|\\[dDsSwW]|(?:\\.|[^\\])(?=[?*+{]))(?:[?*+]|\{[\d,]*\})?"
)
"""The parts of a sign that are not a text: groups, classes, and what is repeated or optional."""


@lru_cache(maxsize=8)
def scanner(tables: Tables, engine: Engine | None = None) -> Callable[[bytes], Iterator[Selected]]:
    """Return the function that selects the lines of a block, in order; by default with the fastest engine there is.

    No line with a finding is missing; some of the lines have none. Raises ImportError for an engine that is not
    installed.
    """
    if engine is None:
        for each in ENGINES:
            try:
                return scanner(tables, each)
            except ImportError:  # no wheel for this platform
                continue
    if engine == "hyperscan":
        return _Hyperscan(tables).lines
    return _AhoCorasick(tables).lines if engine == "aho-corasick" else _every_line


def every_line(block: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and end of each line of a block."""
    start = 0
    while start < len(block):
        end = block.find(b"\n", start)
        end = end if end >= 0 else len(block)
        yield start, end
        start = end + 1


def _every_line(block: bytes) -> Iterator[Selected]:
    for start, end in every_line(block):
        yield start, end, EVERYTHING


class _Signs:
    """The signs of all finders; a set of them is a number with one bit for each."""

    def __init__(self, tables: Tables) -> None:
        found = [(sign, finder) for finder in FINDERS for sign in finder.signs(tables)]
        self.all = [sign for sign, _ in found]
        self._finders = [finder for _, finder in found]
        self.selection = lru_cache(maxsize=4096)(self._selection)
        """Returns what to do with a line that a set of signs matches."""

    def _selection(self, matching: int) -> Selection:
        numbers = [number for number in range(len(self.all)) if matching >> number & 1]
        wanted = {self._finders[number].find for number in numbers}
        return Selection(
            tuple(finder for finder in FINDERS if finder.find in wanted),
            frozenset(self.all[number] for number in numbers),
        )


class _Hyperscan:
    def __init__(self, tables: Tables) -> None:
        import hyperscan  # imported only when a log is decoded

        self._signs = _Signs(tables)
        expressions: list[bytes] = []
        flags: list[int] = []
        for sign in self._signs.all:
            exact = sign.startswith(EXACT)
            expressions.append(sign.removeprefix(EXACT).encode())
            flags.append(hyperscan.HS_FLAG_MULTILINE | (0 if exact else hyperscan.HS_FLAG_CASELESS))
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        ids = list(range(len(expressions)))  # Hyperscan takes five times as long to compile when some share an id
        self._database.compile(expressions=expressions, ids=ids, flags=flags)
        self._of_thread = threading.local()

    def _scratch(self) -> Any:
        """Return the scratch space of this thread: a scan refuses one that another scan is using."""
        try:
            return self._of_thread.scratch
        except AttributeError:
            import hyperscan

            self._of_thread.scratch = hyperscan.Scratch(self._database)
            return self._of_thread.scratch

    def lines(self, block: bytes) -> Iterator[Selected]:
        found: list[tuple[int, int]] = []

        def note(sign: int, _start: int, end: int, _flags: int, _context: object) -> None:
            found.append((end, sign))

        self._database.scan(block, match_event_handler=note, scratch=self._scratch())
        found.sort()
        at = 0
        while at < len(found):
            place, sign = found[at]
            matching = 1 << sign
            end = block.find(b"\n", place)
            end = end if end >= 0 else len(block)
            at += 1
            while at < len(found) and found[at][0] <= end:
                matching |= 1 << found[at][1]
                at += 1
            yield block.rfind(b"\n", 0, place) + 1, end, self._signs.selection(matching)


class _AhoCorasick:
    def __init__(self, tables: Tables) -> None:
        from ahocorasick_rs import BytesAhoCorasick, Implementation  # imported only when a log is decoded

        self._signs = _Signs(tables)
        requiring: dict[bytes, list[tuple[int, bytes, re.Pattern[bytes]]]] = {}
        for number, sign in enumerate(self._signs.all):
            exact = sign.startswith(EXACT)
            text = required_text(sign).encode()
            pattern = re.compile(sign.removeprefix(EXACT).encode(), re.NOFLAG if exact else re.IGNORECASE)
            requiring.setdefault(text.lower(), []).append((number, text if exact else b"", pattern))
        self._requiring = list(requiring.values())
        self._texts = BytesAhoCorasick(requiring, implementation=Implementation.DFA)

    def lines(self, block: bytes) -> Iterator[Selected]:
        start = end = -1
        searched = matching = 0
        for text, place, _ in self._texts.find_matches_as_indexes(block.lower(), overlapping=True):
            if place > end:
                if matching:
                    yield start, end, self._signs.selection(matching)
                start, end = block.rfind(b"\n", 0, place) + 1, block.find(b"\n", place)
                end = end if end >= 0 else len(block)
                searched = matching = 0
            if not searched >> text & 1:
                searched |= 1 << text
                for number, exact, pattern in self._requiring[text]:
                    if block.find(exact, start, end) >= 0 and pattern.search(block, start, end):
                        matching |= 1 << number
        if matching:
            yield start, end, self._signs.selection(matching)


def required_text(sign: str) -> str:
    """Return the longest text that all matches of a sign have; in any case unless the sign is exact."""
    parts = _NOT_REQUIRED.sub("\n", sign.removeprefix(EXACT)).split("\n")
    return max((re.sub(r"\\(.)", r"\1", part) for part in parts), key=len)
