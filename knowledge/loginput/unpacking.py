"""Decompresses gzip, xz, zstd and bzip2 as a stream, in constant memory and within limits."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from knowledge.loginput.looked_at import LookedAt
from knowledge.loginput.magic import compression_of

PIECE = 1 << 18
"""The most bytes that one step of decompression gives."""

ZSTD_STEP = 1 << 10
"""Compressed bytes that are given to zstd at a time. It has no bound for what a step gives; a block of 128 KiB takes at
least 4 bytes, so this step gives at most 32 MiB."""

MEMORY = 1 << 27
"""The most memory, in bytes, that a compressed file may ask for; 128 MiB is what ``zstd -d`` and ``xz -9`` need."""

TRUNCATED = "The {kind} data ends in the middle. What could be read is decoded."
DAMAGED = "The {kind} data is damaged after {size:,} bytes ({reason}). What could be read is decoded."
TRAILING = "The {kind} data is followed by something else, which is ignored."
TOO_MUCH = (
    "The input unpacks to more than {limit}. Decoding stops there. To decode the rest, unpack the input and decode the"
    " files that you need, or use `vmkops decode --max-size SIZE FILE`."
)
BOMB = (
    "The input unpacks to more than {ratio:,} times its size, so it is no log. Decoding stops there. If it is one,"
    " unpack it and decode the files that you need."
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what an input may unpack to."""

    total: int = 64 << 30
    """Bytes."""
    ratio: int = 1000
    """Unpacked bytes for each byte of input; counts from ``ratio_from`` unpacked bytes on."""
    ratio_from: int = 10_000_000


def unpacked(kind: str, blocks: Iterable[bytes], looked: LookedAt) -> Iterator[bytes]:
    """Decompress blocks of one compression, of one member after another.

    Data that ends early or is damaged gives what can be read, and a sentence in ``looked.problems``.
    """
    steps, errors = _STEPS[kind]()
    rest = b""
    size = 0
    running: _Steps | None = None
    for block in blocks:
        data = rest + block
        rest = b""
        while data:
            if running is None:
                data = data.lstrip(b"\x00")  # tapes and some programs fill up the end
                if not data:
                    break
                if compression_of(data) != kind and size:
                    if len(data) < 16:
                        rest = data
                        break
                    looked.add_problem(TRAILING.format(kind=kind))
                    return
                running = steps()
            try:
                for piece in running.feed(data):
                    size += len(piece)
                    if piece:
                        yield piece
            except errors as error:
                looked.incomplete = True
                looked.add_problem(DAMAGED.format(kind=kind, size=size, reason=error))
                return
            data = running.rest
            if running.done:
                running = None
    if running is not None:
        looked.incomplete = True
        looked.add_problem(TRUNCATED.format(kind=kind))
    elif rest:
        looked.add_problem(TRAILING.format(kind=kind))


def limited(blocks: Iterable[bytes], looked: LookedAt, limits: Limits, packed: Callable[[], int]) -> Iterator[bytes]:
    """Yield unpacked blocks within the limits; ``packed`` returns how many bytes they came from.

    At a limit, the blocks end with a sentence in ``looked.problems``. All parts of an input share the total.
    """
    size = 0
    for block in blocks:
        left = limits.total - looked.unpacked
        size += len(block)
        looked.unpacked += len(block)
        yield block[:left]
        if len(block) > left:
            looked.incomplete = looked.limited = True
            looked.add_problem(TOO_MUCH.format(limit=in_units(limits.total)))
            return
        if size > limits.ratio_from and size > packed() * limits.ratio:
            looked.incomplete = looked.limited = True
            looked.add_problem(BOMB.format(ratio=limits.ratio))
            return


def in_units(size: int) -> str:
    """Return a size in bytes in the largest binary unit that shows it without a fraction."""
    for shift, unit in ((40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << shift and size % (1 << shift) == 0:
            return f"{size >> shift} {unit}"
    return f"{size:,} bytes"


def read_size(typed: str) -> int:
    """Return a size in bytes that is typed as ``500MiB``, ``100G`` or ``4096``; 0 when it is no size."""
    size = re.fullmatch(r"(\d{1,9})\s*(?:([KMGT])(?:i?B)?)?", typed.strip(), re.IGNORECASE | re.ASCII)
    return int(size[1]) << 10 * (" KMGT".index((size[2] or " ").upper())) if size else 0


class _Steps:
    """Decompresses one member; ``rest`` is what follows it in the data that was fed, when ``done``."""

    rest = b""
    done = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        raise NotImplementedError


class _Zlib(_Steps):
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            piece = self._inner.decompress(data, PIECE)
            yield piece
            data = self._inner.unconsumed_tail
            if self._inner.eof or (not data and len(piece) < PIECE):
                break
        self.done, self.rest = self._inner.eof, self._inner.unused_data


class _Standard(_Steps):
    """The interface that bz2 and lzma share."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._inner = make()

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield self._inner.decompress(data, PIECE)
        while not self._inner.eof and not self._inner.needs_input:
            yield self._inner.decompress(b"", PIECE)
        self.done = self._inner.eof
        self.rest = self._inner.unused_data if self.done else b""


class _Zstd(_Steps):
    def __init__(self, make: Callable[[], Any]) -> None:
        self._inner = make()

    def feed(self, data: bytes) -> Iterator[bytes]:
        pieces: list[bytes] = []
        size = 0
        for start in range(0, len(data), ZSTD_STEP):
            piece = self._inner.decompress(data[start : start + ZSTD_STEP])
            pieces.append(piece)
            size += len(piece)
            if size >= PIECE:
                yield b"".join(pieces)
                pieces, size = [], 0
            if self._inner.eof:
                self.done, self.rest = True, self._inner.unused_data + data[start + ZSTD_STEP :]
                break
        yield b"".join(pieces)


def _gzip() -> tuple[Callable[[], _Steps], type[Exception]]:
    return _Zlib, zlib.error


def _xz() -> tuple[Callable[[], _Steps], type[Exception]]:
    import lzma  # imported only for input that is compressed with it

    return lambda: _Standard(lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY)), lzma.LZMAError


def _bzip2() -> tuple[Callable[[], _Steps], type[Exception]]:
    import bz2  # imported only for input that is compressed with it

    return lambda: _Standard(bz2.BZ2Decompressor), OSError


def _zstd() -> tuple[Callable[[], _Steps], type[Exception]]:
    import zstandard  # imported only for input that is compressed with it

    made = zstandard.ZstdDecompressor(max_window_size=MEMORY)
    return lambda: _Zstd(made.decompressobj), zstandard.ZstdError


_STEPS = {"gzip": _gzip, "xz": _xz, "bzip2": _bzip2, "zstd": _zstd}
