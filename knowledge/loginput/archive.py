"""Reads the members of a tar or ZIP archive as a stream; nothing is unpacked to disk.

Only regular files are read, so links and devices in an archive have no effect, and a name is only ever shown.
"""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from knowledge.bounded_tar import BoundedHeader, HeaderRefusedError
from knowledge.loginput.looked_at import LookedAt
from knowledge.vmklog.stream import BLOCK, blocks_of

TRUNCATED = "The tar archive ends in the middle{where}. What could be read is decoded."
DAMAGED = "The tar archive is damaged{where} ({reason}). What could be read is decoded."
DAMAGED_ZIP = "The ZIP archive is damaged ({reason}). What could be read is decoded."
ENCRYPTED = "{name} in the ZIP archive is encrypted, so it is not decoded."
NOT_READ = "{name} cannot be read ({reason})."

_ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, EOFError, OSError, ValueError,
)  # fmt: skip


class Member(NamedTuple):
    """A file in an archive: its name, how many bytes it takes in the archive, and its content, to be read once."""

    name: str
    size: int
    blocks: Iterator[bytes]


def tar_members(blocks: Iterator[bytes], looked: LookedAt) -> Iterator[Member]:
    """Yield the files of a tar archive; what is left of a file is passed over when the next one is asked for."""
    stream: Any = _Stream(blocks)
    last = ""
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=BLOCK, tarinfo=_Header) as archive:
            while (entry := archive.next()) is not None:
                archive.members = []  # type: ignore[attr-defined]  # it would keep the header of each member
                if entry.isreg() and not entry.issparse():
                    last = f" in {shown_name(entry.name)}"
                    yield Member(entry.name, entry.size, _contents(archive.fileobj, entry.size, looked, last))
    except HeaderRefusedError as error:
        looked.incomplete = True
        looked.add_problem(DAMAGED.format(where=last and f" after{last[3:]}", reason=error))
    except (tarfile.ReadError, tarfile.StreamError, EOFError):
        _end_early(looked, last)
    except (tarfile.TarError, ValueError, OverflowError) as error:
        looked.incomplete = True
        looked.add_problem(DAMAGED.format(where=last, reason=error))


def zip_members(file: BinaryIO, looked: LookedAt) -> Iterator[Member]:
    """Yield the files of a ZIP archive, in the order of their names."""
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in sorted(archive.infolist(), key=lambda each: each.filename):
                if entry.is_dir():
                    continue
                if entry.flag_bits & 1:
                    looked.add_problem(ENCRYPTED.format(name=shown_name(entry.filename)))
                    continue
                yield Member(entry.filename, entry.compress_size, _zip_contents(archive, entry, looked))
    except _ZIP_ERRORS as error:
        looked.add_problem(DAMAGED_ZIP.format(reason=error))


def shown_name(name: str) -> str:
    """Return a name from an archive as it can be printed: control characters are visible, and a long one is cut."""
    short = name if len(name) <= 200 else f"...{name[-197:]}"
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in short)


def _contents(stream: Any, size: int, looked: LookedAt, where: str) -> Iterator[bytes]:
    """Yield the content of a file that the stream has reached, also the part before the end of a cut archive."""
    while size > 0:
        block = stream.read(min(BLOCK, size))
        if not block:
            _end_early(looked, where)
            return
        size -= len(block)
        yield block


def _end_early(looked: LookedAt, where: str) -> None:
    """Note that an archive ends in the middle, unless a limit of vmkops ended it, which is noted already."""
    looked.incomplete = True
    if not looked.limited:
        looked.add_problem(TRUNCATED.format(where=where))


def _zip_contents(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, looked: LookedAt) -> Iterator[bytes]:
    try:
        with archive.open(entry) as file:
            yield from blocks_of(file.read)
    except _ZIP_ERRORS as error:
        looked.add_problem(NOT_READ.format(name=shown_name(entry.filename), reason=error))


class _Stream:
    """Blocks as a file that tarfile reads; it always gives as many bytes as are asked for, except at the end."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = b""

    def read(self, size: int) -> bytes:
        parts = [self._rest]
        have = len(self._rest)
        while have < size and (block := next(self._blocks, b"")):
            parts.append(block)
            have += len(block)
        joined = b"".join(parts)
        self._rest = joined[size:]
        return joined[:size]


class _Header(BoundedHeader):
    """A header that ends the archive when it is damaged: its bytes are not searched for another one."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> BoundedHeader:  # type: ignore[override]
        try:
            return super().frombuf(buf, encoding, errors)
        except (tarfile.EOFHeaderError, tarfile.EmptyHeaderError):  # type: ignore[attr-defined]
            raise
        except tarfile.TruncatedHeaderError:  # type: ignore[attr-defined]
            raise tarfile.ReadError("truncated header") from None
        except tarfile.HeaderError as error:
            raise HeaderRefusedError(str(error)) from None
