"""The files of an OVF package, whether they lie in a folder or in one OVA (tar) archive; read in pieces."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from knowledge.errors import Unreadable

PIECE = 1024 * 1024
"""Bytes read at once, so that memory stays the same for files of any size."""

MOST_ENTRIES = 10_000
_TAR_MAGIC_AT = 257


class PackageUnreadable(Unreadable):
    """The archive is broken or holds what no OVA holds; ``rule`` says which."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class Package(Protocol):
    """What the lint asks of a package; names are those in the descriptor, without a path."""

    def names(self) -> tuple[str, ...]:
        """Return the files in the order in which they stand."""
        ...

    def size(self, name: str) -> int | None:
        """Return the bytes of a file, None when it is not there."""
        ...

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield the content of a file that is there, piece by piece."""
        ...


class Folder:
    """A package in a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> tuple[str, ...]:
        """Return the plain files of the folder, sorted."""
        return tuple(sorted(entry.name for entry in self._path.iterdir() if entry.is_file()))

    def size(self, name: str) -> int | None:
        """Return the bytes of a plain file; a pipe or a device counts as absent, as it would block."""
        try:
            path = self._path / name
            return path.stat().st_size if path.is_file() else None
        except (OSError, ValueError):
            return None

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield the file in pieces."""
        with (self._path / name).open("rb") as stream:
            yield from _pieces(stream)


class Archive:
    """A package in one uncompressed tar archive."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read the headers of ``stream``, which must be seekable; raises PackageUnreadable."""
        try:
            self._tar = tarfile.TarFile(fileobj=_Careful(stream))
            self._members = self._read_members()
        except PackageUnreadable:
            raise
        except (tarfile.TarError, ValueError, OverflowError, OSError) as broken:
            raise PackageUnreadable("archive-unreadable", f"The archive is broken or cut short: {broken}.") from broken

    def _read_members(self) -> dict[str, tarfile.TarInfo]:
        members: dict[str, tarfile.TarInfo] = {}
        for count, member in enumerate(self._tar, 1):
            if count > MOST_ENTRIES:
                raise PackageUnreadable("archive-too-many", f"The archive has more than {MOST_ENTRIES} entries.")
            if not member.isreg() or member.sparse is not None or member.size < 0:
                message = f"Entry {member.name[:80]!r} is no plain file; an OVA holds plain files only."
                raise PackageUnreadable("archive-entry", message)
            name = member.name.removeprefix("./")
            if name in members:
                message = f"Entry {name[:80]!r} stands in the archive twice."
                raise PackageUnreadable("archive-entry", message)
            members[name] = member
        return members

    def names(self) -> tuple[str, ...]:
        """Return the entries in the order of the archive."""
        return tuple(self._members)

    def size(self, name: str) -> int | None:
        """Return the bytes of an entry."""
        member = self._members.get(name)
        return None if member is None else member.size

    def start(self, name: str) -> int:
        """Return where in the archive the content of an entry begins, in bytes; KeyError when it is not there."""
        return self._members[name].offset_data

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield an entry in pieces."""
        stream = self._tar.extractfile(self._members[name])
        if stream is not None:
            with stream:
                yield from _pieces(stream)


def is_archive(start: bytes) -> bool:
    """True when the first 512 bytes are those of a tar archive."""
    return start[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar"


def read_whole(package: Package, name: str, limit: int) -> bytes | None:
    """Return a small file at once, or None when it is larger than ``limit`` bytes."""
    size = package.size(name)
    if size is None or size > limit:
        return None
    return b"".join(package.pieces(name))


def first_bytes(package: Package, name: str, count: int) -> bytes:
    """Return the beginning of a file."""
    return next(package.pieces(name), b"")[:count]


class _Careful(io.RawIOBase):
    """A stream that refuses giant reads: an extended tar header may claim any length for itself."""

    _LARGEST_READ = 4 * PIECE

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= self._LARGEST_READ:
            raise tarfile.ReadError("a header is longer than any real one")
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(PIECE):
        yield piece
