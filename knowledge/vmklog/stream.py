"""Decodes a log of any size as it comes in, in constant memory.

Lines are decoded as soon as they are whole. When more than ``LONGEST_LINE`` of a line has come and its end has not, it
is decoded in pieces that overlap, so that whatever is shorter than the overlap is found whole and once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from knowledge.vmkerr.table import Tables
from knowledge.vmklog.blocks import promising_lines
from knowledge.vmklog.decoding import decode_from
from knowledge.vmklog.finding import Finding
from knowledge.vmklog.origin import Origin, given, inferred

BLOCK = 1 << 18
"""Bytes that are read at a time, at most."""

LONGEST_LINE = 1 << 18
"""Bytes of an unfinished line; more than this is decoded in pieces."""

OVERLAP = 4096
"""Bytes that two pieces of a long line share: what begins in the first half is found in the first piece, the rest in
the second, each with more around it than anything that is looked for needs."""


class Decoded(NamedTuple):
    """A line, or a piece of a very long one, with what was found in it.

    ``offset`` is where the piece begins in its line, in characters; the findings count from the line's beginning.
    """

    text: str
    findings: list[Finding]
    offset: int = 0


@dataclass(slots=True)
class Progress:
    """How far a stream was read."""

    lines: int = 0
    long_lines: int = 0
    """Lines that were decoded in pieces."""


def decode_stream(
    blocks: Iterable[bytes], release: str | None, tables: Tables, progress: Progress, every_line: bool = False
) -> Iterator[list[Decoded]]:
    """Decode blocks of bytes as they come, giving for each block the lines with findings, or every line.

    Any bytes will do: what is not UTF-8 counts as U+FFFD. Raises Unreadable for a release that nobody knows.
    """
    origin = given(release, tables) if release else None
    decoder = _Decoder(origin, tables, progress, every_line)
    for block in blocks:
        yield decoder.take(block)
    yield decoder.finish()


def blocks_of(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Read blocks until the end, each as soon as there is anything to read."""
    while block := read(BLOCK):
        yield block


class _Decoder:
    """Keeps the unfinished line between two blocks."""

    def __init__(self, origin: Origin | None, tables: Tables, progress: Progress, every_line: bool) -> None:
        self.given = origin
        self.tables = tables
        self.progress = progress
        self.every_line = every_line
        self.rest = b""
        self.offset = 0
        self.found_until = 0
        self.line_origin: Origin | None = None

    def take(self, block: bytes) -> list[Decoded]:
        """Decode the lines that this block makes whole."""
        decoded: list[Decoded] = []
        first_end = block.find(b"\n")
        if first_end < 0:
            self.rest += block
        else:
            last_end = block.rfind(b"\n") + 1
            if self.offset:
                self.rest += block[:first_end]
                self._pieces(decoded)
                self._last_piece(decoded)
                whole = block[first_end + 1 : last_end]
            else:
                whole = self.rest + block[:last_end]
            self.rest = block[last_end:]
            self._lines(whole, decoded)
        self._pieces(decoded)
        return decoded

    def finish(self) -> list[Decoded]:
        """Decode the last line when the stream ends without a line feed."""
        decoded: list[Decoded] = []
        if self.offset:
            self._last_piece(decoded)
        elif self.rest:
            self._lines(self.rest, decoded)
        self.rest = b""
        return decoded

    def _lines(self, whole: bytes, decoded: list[Decoded]) -> None:
        counted = 0
        number = self.progress.lines
        lines = _all_lines(whole) if self.every_line else promising_lines(whole)
        for start, end in lines:
            number += whole.count(b"\n", counted, start)
            counted = start
            line = whole[start:end].decode("utf-8", "replace").removesuffix("\r")
            findings = decode_from(line, number + 1, self.given or inferred(line, self.tables), self.tables)
            if findings or self.every_line:
                decoded.append(Decoded(line, findings))
        self.progress.lines = number + whole.count(b"\n", counted) + (not whole.endswith(b"\n") if whole else 0)

    def _pieces(self, decoded: list[Decoded]) -> None:
        """Decode what is there of an unfinished line that is too long to wait for."""
        while len(self.rest) > LONGEST_LINE:
            end = _between_characters(self.rest, LONGEST_LINE)
            until = _between_characters(self.rest, end - OVERLAP // 2)
            following = _between_characters(self.rest, end - OVERLAP)
            if not self.offset:
                self.progress.long_lines += 1
            self._piece(self.rest[:end].decode("utf-8", "replace"), _characters(self.rest[:until]), decoded)
            self.offset += _characters(self.rest[:following])
            self.rest = self.rest[following:]

    def _last_piece(self, decoded: list[Decoded]) -> None:
        text = self.rest.decode("utf-8", "replace").removesuffix("\r")
        self._piece(text, len(text) + 1, decoded)
        self.progress.lines += 1
        self.offset = self.found_until = 0

    def _piece(self, text: str, until: int, decoded: list[Decoded]) -> None:
        """Decode a piece: what begins at ``until`` or later is left to the next one."""
        if not self.offset:
            self.line_origin = self.given or inferred(text, self.tables)
        assert self.line_origin is not None
        found = decode_from(text, self.progress.lines + 1, self.line_origin, self.tables)
        findings = [
            finding._replace(start=finding.start + self.offset, end=finding.end + self.offset)
            for finding in found
            if self.found_until <= finding.start + self.offset < until + self.offset
        ]
        self.found_until = until + self.offset
        if findings or self.every_line:
            decoded.append(Decoded(text, findings, self.offset))


def _all_lines(whole: bytes) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(whole):
        end = whole.find(b"\n", start)
        end = end if end >= 0 else len(whole)
        yield start, end
        start = end + 1


def _characters(text: bytes) -> int:
    return len(text.decode("utf-8", "replace"))


def _between_characters(text: bytes, cut: int) -> int:
    """Move a cut back to where a character of UTF-8 begins, three bytes at most."""
    for back in range(4):
        if text[cut - back] & 0xC0 != 0x80:
            return cut - back
    return cut
