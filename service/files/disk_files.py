"""The disks of a package as bytes that can be read anywhere: VMDK in its hosted forms, and raw images."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from service.errors import DiskUnreadable
from service.files.values import Extent
from service.transfer.safe_open import safe_open

MAGIC_SPARSE, MAGIC_TEXT = b"KDMV", b"# Disk DescriptorFile"
LARGEST_DISK = 1 << 60
MOST_EXTENTS = 40
NO_PARENT = 0xFFFFFFFF
DELTA = "It has only the changes to another disk, which is not in the package."


class Source(Protocol):
    """Bytes that can be read anywhere."""

    size: int

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`, fewer only at the end. Raises OSError."""

    def extents(self, offset: int, size: int) -> list[Extent] | None:
        """Where these bytes are in files of the package; None if they are not, or not as they are."""


class RawFile:
    """A file that is the disk itself, or whose `size` bytes from `start` are; `name` is its name in the package."""

    def __init__(self, file: BinaryIO, name: str, start: int = 0, size: int | None = None) -> None:
        self._file, self._name, self._start = file, name, start
        self.size = os.fstat(file.fileno()).st_size if size is None else size

    def read_at(self, offset: int, size: int) -> bytes:
        """See `Source`."""
        if not 0 <= offset < self.size:
            return b""
        return os.pread(self._file.fileno(), min(size, self.size - offset), self._start + offset)

    def extents(self, offset: int, size: int) -> list[Extent] | None:
        """See `Source`."""
        whole = offset >= 0 and offset + size <= self.size
        return [Extent(self._name, self._start + offset, size)] if whole else None


class Vmdk:
    """A disk in a VMDK."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self.size = int(handle.media_size)

    def read_at(self, offset: int, size: int) -> bytes:
        """See `Source`."""
        if offset >= self.size:
            return b""
        return bytes(self._handle.read_buffer_at_offset(min(size, self.size - offset), offset))

    def extents(self, offset: int, size: int) -> list[Extent] | None:  # noqa: ARG002
        """See `Source`."""
        return None


class Slice:
    """A part of a source, which also has the methods of a file."""

    def __init__(self, source: Source, start: int, size: int) -> None:
        self._source, self._start, self.size = source, start, size
        self._at = 0

    def read_at(self, offset: int, size: int) -> bytes:
        """See `Source`."""
        return self._source.read_at(self._start + offset, max(0, min(size, self.size - offset)))

    def extents(self, offset: int, size: int) -> list[Extent] | None:
        """See `Source`."""
        whole = offset >= 0 and offset + size <= self.size
        return self._source.extents(self._start + offset, size) if whole else None

    def read(self, size: int = -1) -> bytes:
        """As of a file."""
        data = self.read_at(self._at, self.size if size < 0 else size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As of a file."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """As of a file."""
        return self._at

    def get_size(self) -> int:
        """The size, under the name by which the libraries ask for it."""
        return self.size


def open_disk(folder: Path, name: str, member: str = "") -> Source:
    """Open a disk of the package in `folder`, or the raw disk `member` of the tar archive `name`.

    A VMDK can name further files; only regular files of the same folder are opened. Raises DiskUnreadable.
    """
    try:
        file = safe_open(folder, name)
        if member:
            return _in_archive(name, file, member)
        start = file.read(512)
        if not start.startswith((MAGIC_SPARSE, MAGIC_TEXT)):
            if name.lower().endswith(".vmdk") and not _may_be_raw(name):
                raise DiskUnreadable(f"{name} is not a VMDK: its first bytes are those of another format.")
            return RawFile(file, name)
        file.seek(0)
        return _open_vmdk(folder, name, file)
    except OSError as error:
        if error.strerror:
            raise DiskUnreadable(f"{name} cannot be read: {error.strerror}.") from error
        # The libraries give no reason that a person could use, only the names of their functions.
        raise DiskUnreadable(
            f"{name} is not a VMDK that can be read: it is cut off or damaged, or has a form that vmkops does not know."
        ) from error


def _in_archive(name: str, file: BinaryIO, member: str) -> RawFile:
    """The first file of an uncompressed tar archive, which has no other name than `member`."""
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            found = archive.next()
    except tarfile.TarError as error:
        raise DiskUnreadable(f"{name} is not a tar archive.") from error
    if found is None or found.name != member or not found.isreg() or found.issparse():
        raise DiskUnreadable(f"{name} does not begin with the disk {member}.")
    if found.offset_data + found.size > os.fstat(file.fileno()).st_size:
        raise DiskUnreadable(f"{name} is cut off: it has fewer bytes than its disk.")
    return RawFile(file, name, found.offset_data, found.size)


def _may_be_raw(name: str) -> bool:
    return name.lower().endswith("-flat.vmdk")


def _open_vmdk(folder: Path, name: str, file: BinaryIO) -> Vmdk:
    import pyvmdk

    handle = pyvmdk.handle()
    handle.open_file_object(file)
    extents = list(handle.extent_descriptors)
    if handle.parent_content_identifier != NO_PARENT:
        raise DiskUnreadable(f"{name} cannot be read. {DELTA}")
    if not 0 < len(extents) <= MOST_EXTENTS:
        raise DiskUnreadable(f"{name} is a VMDK of {len(extents)} parts; from 1 to {MOST_EXTENTS} can be read.")
    if not 0 < handle.media_size <= LARGEST_DISK:
        raise DiskUnreadable(f"{name} says that it has {handle.media_size} bytes, which no disk has.")
    file.seek(0)
    whole = file.read(4) == MAGIC_SPARSE
    parts: list[BinaryIO] = []
    for extent in extents:
        named = (extent.filename or "").replace("\\", "/").rpartition("/")[2]
        if whole and len(extents) == 1:
            named = name  # a package may have renamed the file, but not what is written in it
        parts.append(safe_open(folder, named))
    handle.open_extent_data_files_as_file_objects(parts)
    return Vmdk(handle)
