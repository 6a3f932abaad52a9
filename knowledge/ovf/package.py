"""Reads the files of an OVF package in pieces, from a folder or from an OVA (tar archive)."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from knowledge.bounded_tar import BoundedHeader, HeaderRefusedError
from knowledge.errors import Unreadable

PIECE = 1024 * 1024
"""Bytes that are read at once, so that memory use does not depend on the size of a file."""

MOST_ENTRIES = 10_000
_TAR_MAGIC_AT = 257


class PackageUnreadable(Unreadable):
    """The archive is damaged or contains something that an OVA cannot contain; ``rule`` is the id of the finding."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class Package(Protocol):
    """A package as the linter reads it; names are those in the descriptor, without a path."""

    def names(self) -> tuple[str, ...]:
        """Return the names of the files, in the order of the package."""
        ...

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, or None when it does not exist."""
        ...

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield the content of an existing file in pieces of at most ``PIECE`` bytes."""
        ...


class Folder:
    """A package in a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> tuple[str, ...]:
        """Return the names of the regular files in the folder, sorted."""
        return tuple(sorted(entry.name for entry in self._path.iterdir() if entry.is_file()))

    def size(self, name: str) -> int | None:
        """Return the size of a regular file; a pipe or a device, which would block, counts as missing."""
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
            self._tar = tarfile.TarFile(fileobj=_BoundedReader(stream), tarinfo=BoundedHeader)
            self._members = self._read_members()
        except PackageUnreadable:
            raise
        except (tarfile.TarError, HeaderRefusedError, ValueError, OverflowError, OSError) as broken:
            raise PackageUnreadable("archive-unreadable", f"The archive is damaged or truncated: {broken}.") from broken

    def _read_members(self) -> dict[str, tarfile.TarInfo]:
        members: dict[str, tarfile.TarInfo] = {}
        for count, member in enumerate(self._tar, 1):
            if count > MOST_ENTRIES:
                raise PackageUnreadable("archive-too-many", f"The archive has more than {MOST_ENTRIES} entries.")
            if not member.isreg() or member.sparse is not None or member.size < 0:
                message = f"Entry {member.name[:80]!r} is not a regular file; an OVA contains only regular files."
                raise PackageUnreadable("archive-entry", message)
            name = member.name.removeprefix("./")
            if name in members:
                message = f"Entry {name[:80]!r} is in the archive twice."
                raise PackageUnreadable("archive-entry", message)
            members[name] = member
        return members

    def names(self) -> tuple[str, ...]:
        """Return the names of the entries, in the order of the archive."""
        return tuple(self._members)

    def size(self, name: str) -> int | None:
        """Return the size of an entry in bytes, or None when it does not exist."""
        member = self._members.get(name)
        return None if member is None else member.size

    def start(self, name: str) -> int:
        """Return the offset in the archive of an entry's content, in bytes; raises KeyError when it does not exist."""
        return self._members[name].offset_data

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield an entry in pieces."""
        stream = self._tar.extractfile(self._members[name])
        if stream is not None:
            with stream:
                yield from _pieces(stream)


def is_archive(start: bytes) -> bool:
    """Return whether ``start``, the first 512 bytes of a file, is the beginning of a tar archive."""
    return start[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar"


def read_whole(package: Package, name: str, limit: int) -> bytes | None:
    """Return the content of a small file, or None when it is missing or larger than ``limit`` bytes."""
    size = package.size(name)
    if size is None or size > limit:
        return None
    return b"".join(package.pieces(name))


def first_bytes(package: Package, name: str, count: int) -> bytes:
    """Return the first ``count`` bytes of a file."""
    return next(package.pieces(name), b"")[:count]


class _BoundedReader(io.RawIOBase):
    """A stream that refuses very large reads, because an extended tar header can state any length for itself."""

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
