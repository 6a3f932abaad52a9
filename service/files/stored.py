"""Bytes of a file that are in a disk of the package as they are, so that nothing has to go through the reader."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from service.errors import DiskUnreadable
from service.files.values import Extent
from service.transfer.safe_open import safe_open

PIECE = 1 << 20
"""Bytes that are read at a time."""
ZEROS = bytes(PIECE)


class Stored(NamedTuple):
    """`size` bytes from `offset` of an open disk; so many zeros where it is None."""

    disk: BinaryIO | None
    offset: int
    size: int

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The bytes, piece by piece. Raises DiskUnreadable."""
        done = 0
        while done < self.size:
            wanted = min(PIECE, self.size - done)
            if self.disk is None:
                piece = ZEROS if wanted == PIECE else bytes(wanted)
            else:
                piece = await asyncio.to_thread(os.pread, self.disk.fileno(), wanted, self.offset + done)
            if not piece:
                raise DiskUnreadable("The disk has become shorter while it was read.")
            done += len(piece)
            yield piece


class Disks:
    """A context manager that opens disks of the package in `folder`, only those of `files`, and keeps them open.

    The process that names extents reads hostile disks, so nothing else is opened, whatever it names.
    """

    def __init__(self, folder: Path, files: Sequence[str]) -> None:
        self._folder, self._files = folder, files
        self._open: dict[str, BinaryIO] = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Disks:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the disks."""
        self._stack.close()

    def stored(self, extents: Sequence[Extent]) -> Iterator[Stored]:
        """Each extent in its disk. Raises DiskUnreadable for what is not in a disk of the package."""
        for each in extents:
            disk = self._disk(each.file) if each.file else None
            if each.size < 0 or each.offset < 0 or (disk is not None and each.offset + each.size > _size(disk)):
                raise DiskUnreadable("The file is not on the disk as a whole: the file system is damaged.")
            yield Stored(disk, each.offset, each.size)

    def _disk(self, name: str) -> BinaryIO:
        if name not in self._files:
            raise DiskUnreadable("The file is not on a disk of the package: the file system is damaged.")
        if name not in self._open:
            try:
                self._open[name] = self._stack.enter_context(safe_open(self._folder, name))
            except OSError as error:
                raise DiskUnreadable(f"{name} cannot be read: {error.strerror}.") from error
        return self._open[name]


def _size(disk: BinaryIO) -> int:
    return os.fstat(disk.fileno()).st_size
