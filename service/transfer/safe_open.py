"""Opens files below a folder and nowhere else: no `..`, no absolute path, and no symbolic link is followed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PIECE = 1 << 20
"""Bytes that are read at a time."""


def safe_open(root: Path, name: str) -> BinaryIO:
    """Open the regular file `name` (parts separated by `/`) below `root` for reading, unbuffered.

    Each part is opened relative to the one before, so that nobody can replace a part with a link between the check and
    the opening. Raises OSError whose `strerror` explains in words what is wrong.
    """
    parts = name.split("/")
    if "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise OSError(errno.EINVAL, "it is not a path below the folder")
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            below = _open(folder, part, os.O_DIRECTORY)
            os.close(folder)
            folder = below
        handle = _open(folder, parts[-1], os.O_NONBLOCK)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return os.fdopen(handle, "rb", 0)


class PackageFolder:
    """A package whose files are in the folder `below` (empty for `root` itself) of `root`.

    It has the methods of `knowledge.ovf.package.Package`, and opens every file with `safe_open`.
    """

    def __init__(self, root: Path, below: str = "") -> None:
        self._root = root
        self._below = below

    def path(self, name: str) -> str:
        """Return the path of a file of the package, relative to the root."""
        return f"{self._below}/{name}" if self._below else name

    def names(self) -> tuple[str, ...]:
        """Return the names of the regular files of the folder, sorted."""
        with os.scandir(self._root / self._below) as entries:
            return tuple(sorted(entry.name for entry in entries if entry.is_file(follow_symlinks=False)))

    def size(self, name: str) -> int | None:
        """Return the bytes of a regular file, None for anything else."""
        try:
            with safe_open(self._root, self.path(name)) as file:
                return os.fstat(file.fileno()).st_size
        except (OSError, ValueError):
            return None

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield the content of a file piece by piece."""
        with safe_open(self._root, self.path(name)) as file:
            while piece := file.read(PIECE):
                yield piece


def _open(folder: int, part: str, flags: int) -> int:
    try:
        return os.open(part, os.O_RDONLY | os.O_NOFOLLOW | flags, dir_fd=folder)
    except OSError as error:
        if stat.S_ISLNK(_mode(folder, part)):
            raise OSError(errno.ELOOP, f"{part} is a symbolic link, and symbolic links are not followed") from error
        raise


def _mode(folder: int, part: str) -> int:
    try:
        return os.stat(part, dir_fd=folder, follow_symlinks=False).st_mode
    except (OSError, ValueError):
        return 0
