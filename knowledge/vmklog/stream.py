"""Decodes a log of any size while it arrives, in constant memory.

Lines are decoded as soon as they are complete. When more than ``LONGEST_LINE`` bytes of a line have arrived without its
end, the line is decoded in pieces. The pieces overlap, so that anything shorter than the overlap is found exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from knowledge.vmkerr.table import Tables
from knowledge.vmklog.decoding import decode_from
from knowledge.vmklog.finding import Finding
from knowledge.vmklog.line import Context, text_of
from knowledge.vmklog.origin import Origin, given_origin, inferred_origin
from knowledge.vmklog.scan import EVERYTHING, NOTHING, Engine, every_line, scanner

BLOCK = 1 << 18
"""The most bytes that are read at a time."""

LONGEST_LINE = 1 << 18
"""Bytes of an incomplete line; a longer one is decoded in pieces."""

OVERLAP = 4096
"""Bytes that two consecutive pieces of a long line share. A finding that begins in the first half of them is taken from
the first piece, any other from the second, so each has enough text around it."""


class Decoded(NamedTuple):
    """A line, or a piece of a very long one, with its findings.

    ``offset`` is the position of the piece in its line, in characters. Positions in findings count from the beginning
    of the line.
    """

    text: str
    findings: list[Finding]
    offset: int = 0
    file: str = ""
    """The file in an archive that has the line; empty for an input that is one text."""


@dataclass(slots=True)
class Progress:
    """How much of a stream is decoded; updated while it is read."""

    lines: int = 0
    long_lines: int = 0
    """Lines that were decoded in pieces."""


def decode_stream(
    blocks: Iterable[bytes],
    release: str | Origin | None,
    tables: Tables,
    progress: Progress,
    every_line: bool = False,
    engine: Engine | None = None,
) -> Iterator[list[Decoded]]:
    """Decode blocks of bytes while they arrive; yield for each block its lines with findings, or every line.

    Accepts any bytes: a line that is not UTF-8 is read as Latin-1 or has U+FFFD in it. ``progress`` is updated after
    each block. ``engine`` is what selects the lines, by default the fastest one. Raises Unreadable for an unknown
    release.
    """
    origin = given_origin(release, tables) if isinstance(release, str) and release else release or None
    decoder = _Decoder(origin, tables, progress, every_line, engine)
    for block in blocks:
        yield decoder.feed(block)
    yield decoder.finish()


def blocks_of(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Yield blocks of at most ``BLOCK`` bytes from ``read`` until it returns none."""
    while block := read(BLOCK):
        yield block


class _Decoder:
    """Decodes block after block, and keeps the incomplete line between two blocks."""

    def __init__(
        self, origin: Origin | None, tables: Tables, progress: Progress, every_line: bool, engine: Engine | None
    ) -> None:
        self.given = origin
        self.tables = tables
        self.progress = progress
        self.every_line = every_line
        self.select = scanner(tables, engine)
        self.context = Context()
        self.rest = b""
        self.offset = 0
        self.found_until = 0
        self.line_origin: Origin | None = None

    def feed(self, block: bytes) -> list[Decoded]:
        """Decode the lines that this block completes."""
        decoded: list[Decoded] = []
        first_end = block.find(b"\n")
        if first_end < 0:
            self.rest += block
        else:
            last_end = block.rfind(b"\n") + 1
            if self.offset:
                self.rest += block[:first_end]
                self._decode_pieces(decoded)
                self._decode_last_piece(decoded)
                whole = block[first_end + 1 : last_end]
            else:
                whole = self.rest + block[:last_end]
            self.rest = block[last_end:]
            self._decode_lines(whole, decoded)
        self._decode_pieces(decoded)
        return decoded

    def finish(self) -> list[Decoded]:
        """Decode the last line when the stream ends without a line feed."""
        decoded: list[Decoded] = []
        if self.offset:
            self._decode_last_piece(decoded)
        elif self.rest:
            self._decode_lines(self.rest, decoded)
        self.rest = b""
        return decoded

    def _decode_lines(self, whole: bytes, decoded: list[Decoded]) -> None:
        counted = 0
        number = self.progress.lines
        lines = ((*span, EVERYTHING) for span in every_line(whole)) if self.every_line else self.select(whole)
        for start, end, selection in lines:
            number += whole.count(b"\n", counted, start)
            counted = start
            line = text_of(whole[start:end]).removesuffix("\r")
            origin = self.given or inferred_origin(line, self.tables)
            findings = decode_from(line, number + 1, origin, self.tables, self.context, selection)
            if findings or self.every_line:
                decoded.append(Decoded(line, findings))
        self.progress.lines = number + whole.count(b"\n", counted) + (not whole.endswith(b"\n") if whole else 0)

    def _decode_pieces(self, decoded: list[Decoded]) -> None:
        """Decode the available part of an incomplete line that is too long to wait for its end."""
        while len(self.rest) > LONGEST_LINE:
            end = _between_characters(self.rest, LONGEST_LINE)
            until = _between_characters(self.rest, end - OVERLAP // 2)
            following = _between_characters(self.rest, end - OVERLAP)
            if not self.offset:
                self.progress.long_lines += 1
            self._decode_piece(self.rest[:end].decode("utf-8", "replace"), _characters(self.rest[:until]), decoded)
            self.offset += _characters(self.rest[:following])
            self.rest = self.rest[following:]

    def _decode_last_piece(self, decoded: list[Decoded]) -> None:
        text = self.rest.decode("utf-8", "replace").removesuffix("\r")
        self._decode_piece(text, len(text) + 1, decoded)
        self.progress.lines += 1
        self.offset = self.found_until = 0

    def _decode_piece(self, text: str, until: int, decoded: list[Decoded]) -> None:
        """Decode a piece; findings that begin at ``until`` or later are left to the next piece."""
        if not self.offset:
            self.line_origin = self.given or inferred_origin(text, self.tables)
        assert self.line_origin is not None
        selected = next((each for _, _, each in self.select(text.encode(errors="replace"))), NOTHING)
        found = decode_from(text, self.progress.lines + 1, self.line_origin, self.tables, self.context, selected)
        findings = [
            finding._replace(start=finding.start + self.offset, end=finding.end + self.offset)
            for finding in found
            if self.found_until <= finding.start + self.offset < until + self.offset
        ]
        self.found_until = until + self.offset
        if findings or self.every_line:
            decoded.append(Decoded(text, findings, self.offset))


def _characters(text: bytes) -> int:
    return len(text.decode("utf-8", "replace"))


def _between_characters(text: bytes, cut: int) -> int:
    """Move a cut back to the beginning of a UTF-8 character, by at most three bytes."""
    for back in range(4):
        if text[cut - back] & 0xC0 != 0x80:
            return cut - back
    return cut
