"""Writes a file in one step: a reader sees the old file or the new one, never a part of it."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NEW = 0o666
"""The permissions of a new file, from which the umask is taken."""
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{16}\.tmp", re.DOTALL)
"""The names of the files that are written first."""
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
"""What file systems without hard links answer, such as exFAT and shares of Windows."""


def replace_file(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Write ``content`` to ``path``, in place of a file that is there; of several writers at once, the last one wins.

    ``mode`` has the permissions of the new file, from which the umask is taken. Without it, the new file has those of
    the file that it replaces. Raises OSError; the old file, if there was one, is then untouched.
    """
    kept = _mode(path) if mode is None else None
    with _written(path, content, NEW if mode is None else mode, kept) as temporary:
        temporary.replace(path)


def create_file(path: Path, content: bytes, *, mode: int = NEW) -> bool:
    """Write ``content`` to ``path`` unless a file is there; of several writers at once, the first one wins.

    Returns whether this call has made the file. ``mode`` has the permissions of the file, from which the umask is
    taken. On a file system without hard links, a reader may see a part of the content while it is written. Raises
    OSError.
    """
    with _written(path, content, mode) as temporary:
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
        else:
            return True
    try:
        _write(path, content, mode)
    except FileExistsError:
        return False
    return True


def remove_stale(folder: Path, seconds: float) -> list[Path]:
    """Remove what writers that died left in ``folder`` more than ``seconds`` ago, and return it.

    Only regular files that this module named count. What cannot be removed stays; nothing is raised for it.
    """
    removed = []
    with suppress(OSError):
        for path in folder.iterdir():
            if not _TEMPORARY.fullmatch(path.name):
                continue
            with suppress(OSError):
                found = path.lstat()
                if stat.S_ISREG(found.st_mode) and time.time() - found.st_mtime > seconds:
                    path.unlink()
                    removed.append(path)
    return removed


@contextmanager
def _written(path: Path, content: bytes, mode: int, kept: int | None = None) -> Iterator[Path]:
    """A hidden file beside ``path`` with this content, on the disk; it is gone after the block.

    Its name is random, so that writers in threads, processes and containers do not meet, and that nobody can put a link
    in its place.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")
    _write(temporary, content, mode, kept)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _write(path: Path, content: bytes, mode: int, kept: int | None = None) -> None:
    """Write a new file to the disk; it is gone after a failure. Raises FileExistsError.

    ``kept`` has its permissions whatever the umask is; they take the place of ``mode``.
    """
    first = mode if kept is None else kept
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, first)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if kept is not None and kept != stat.S_IMODE(os.fstat(descriptor).st_mode):
                os.fchmod(descriptor, kept)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _mode(path: Path) -> int | None:
    """The permissions of a regular file; None for anything else."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    return stat.S_IMODE(mode) & 0o777 if stat.S_ISREG(mode) else None
