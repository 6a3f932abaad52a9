"""Writes files and folders from a backup into a new folder, and nothing outside of it.

It makes regular files and folders only: no links, devices, pipes or sockets, and no set-user-ID bits or owners.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from service.errors import Conflict, DiskUnreadable

BLOCK = 64 << 10
PERMISSIONS = 0o777
OWN = 0o700
"""What the owner may always do with a folder, so that files can be written into it."""


class TreeWriter:
    """A context manager; `top` must not exist and becomes a file or a folder."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.files = self.folders = self.bytes = 0
        self._file: int | None = None
        self._size = 0
        self._times: list[tuple[Path, int, int]] = []

    def __enter__(self) -> Self:
        """Check that nothing is overwritten; raises Conflict."""
        if os.path.lexists(self.top):
            raise Conflict(f"{self.top} exists already. Name another destination, or remove it first.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Set the permissions and times of folders; the deepest come first."""
        self.close()
        for folder, mode, mtime in reversed(self._times):
            folder.chmod(mode)
            _set_time(folder, mtime)

    def folder(self, parts: Sequence[bytes], mode: int, mtime: int) -> None:
        """Make a folder; no parts is the top."""
        self.close()
        path = self._path(parts)
        path.mkdir(mode=OWN)
        self.folders += 1
        self._times.append((path, mode & PERMISSIONS | OWN, mtime))

    def file(self, parts: Sequence[bytes], mode: int, mtime: int) -> None:
        """Begin a file; `write` adds to it."""
        self.close()
        path = self._path(parts)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        self._file = os.open(path, flags, 0o600)
        self._size = 0
        self._about = path, mode & PERMISSIONS, mtime
        self.files += 1

    def write(self, data: bytes) -> None:
        """Add to the file; blocks of zeros become holes, so that a sparse file stays small."""
        assert self._file is not None
        view = memoryview(data)
        for start in range(0, len(data), BLOCK):
            block = view[start : start + BLOCK]
            if bytes(block).strip(b"\0"):
                _write_whole(self._file, block, self._size + start)
        self._size += len(data)
        self.bytes += len(data)

    def close(self) -> None:
        """End the file that is open, if any."""
        if self._file is None:
            return
        handle, self._file = self._file, None
        path, mode, mtime = self._about
        try:
            os.ftruncate(handle, self._size)
            os.fchmod(handle, mode)
        finally:
            os.close(handle)
        _set_time(path, mtime)

    def _path(self, parts: Sequence[bytes]) -> Path:
        return self.top.joinpath(*map(checked, parts))


def checked(part: bytes) -> str:
    """A name as this system takes it; raises DiskUnreadable for one that would lead elsewhere."""
    if part in (b"", b".", b"..") or b"/" in part or b"\0" in part:
        raise DiskUnreadable("A name on the disk would lead out of the destination, so nothing more is written.")
    return os.fsdecode(part)


def _write_whole(handle: int, block: memoryview, offset: int) -> None:
    while block:
        written = os.pwrite(handle, block, offset)
        block, offset = block[written:], offset + written


def _set_time(path: Path, mtime: int) -> None:
    try:
        os.utime(path, (mtime, mtime), follow_symlinks=False)
    except (OSError, OverflowError):
        return  # a time that this file system cannot keep
