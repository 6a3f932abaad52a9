"""Writes a file in one step: a reader sees the old file or the new one, never a part of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def replace_file(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write ``content`` to ``path``, in place of a file that is there; of several writers at once, the last one wins.

    ``mode`` has the permissions of the new file, from which the umask is taken. Raises OSError; the old file, if there
    was one, is then untouched.
    """
    with _written(path, content, mode) as temporary:
        temporary.replace(path)


def create_file(path: Path, content: bytes, *, mode: int = 0o666) -> bool:
    """Write ``content`` to ``path`` unless a file is there; of several writers at once, the first one wins.

    Returns whether this call has made the file. ``mode`` is as in ``replace_file``. Raises OSError.
    """
    with _written(path, content, mode) as temporary:
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return False
        return True


@contextmanager
def _written(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    """A hidden file beside ``path`` with this content, on the disk; it is gone after the block.

    Its name is random, so that writers in threads, processes and containers do not meet, and that nobody can put a link
    in its place.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
