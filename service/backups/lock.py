"""Locks a backup package, so that it is not removed while it is read."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from service.errors import Conflict, NotFound


@contextlib.contextmanager
def locked(folder: Path, *, exclusive: bool = False) -> Iterator[None]:
    """Lock a package for as long as the block runs, so that it is not pruned while it is read.

    Readers share the lock. A job that removes the package takes an `exclusive` one, which raises Conflict while
    somebody reads. The lock ends with the process. Raises NotFound when the package is gone.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise NotFound(f"The backup {folder.name} no longer exists. The list of backups has those that do.") from error
    try:
        fcntl.flock(handle, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Conflict(
            f"The backup {folder.name} is in use: a job reads it. Try again when that job has ended."
        ) from error
    finally:
        os.close(handle)
