"""Writes the state of an installation to a file."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, NamedTuple

from service.api.settings import Settings
from service.errors import Conflict, StateRefused
from service.state.databases import for_reading
from service.state.form import Header, StateWriter
from service.state.parts import PARTS
from service.store.signing import open_signer

MODE = 0o600
NO_UNNAMED = (errno.EOPNOTSUPP, errno.ENOTSUP, errno.EISDIR, errno.EINVAL, errno.ENOENT)
"""What file systems answer that cannot make a file without a name."""


class Exported(NamedTuple):
    """What was written."""

    header: Header
    live_jobs: tuple[str, ...]
    """The jobs that were under way, such as `0ecb27ceacf54aa5 (backup of web-01)`."""
    bytes: int


def export_state(
    settings: Settings, path: Path, expected: Callable[[int], None], written: Callable[[int], None]
) -> Exported:
    """Write the state to a new file that only this user can open; a service may run meanwhile.

    `expected` is called with the number of rows, and `written` for each with 1. Raises Conflict when the file exists,
    StartError for a database that cannot be read, StateRefused for a file that cannot be made or a state that is too
    large, and OSError. After an error, or when the process is killed, there is no file.
    """
    signer, live = open_signer(settings), []
    with for_reading(settings) as databases, _new_file(path) as file:
        header = Header(
            product=version("vmkops"),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            installation=signer.fingerprint,
            database="sqlite" if settings.postgres_url is None else "postgresql",
            parts={part.name: part.count(databases) for part in PARTS},
        )
        expected(header.rows)
        writer = StateWriter(file, header)
        for part in PARTS:
            for row in part.rows(databases):
                writer.row(part.name, row)
                written(1)
                if part.name == "live_jobs":
                    live.append(f"{row['id']} ({row['action']} of {row['target']})")
        writer.end(signer.sign)
        return Exported(header, tuple(live), file.tell())


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name at the end of the block, when all of it is on the disk; raises Conflict, or OSError."""
    if path.exists() or path.is_symlink():
        raise Conflict(f"{path} exists already, and is not overwritten. Name a new file, or remove it first.")
    try:
        descriptor = os.open(path.parent, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, MODE)
    except OSError as error:
        if error.errno not in NO_UNNAMED or not path.parent.is_dir():
            raise StateRefused(
                f"{path} cannot be written ({error.strerror}). Name a file in a folder that you can write."
            ) from error
        with _named_file(path) as file:
            yield file
        return
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, MODE)
        yield file
        file.flush()
        os.fsync(descriptor)
        _give_name(descriptor, path)


def _give_name(descriptor: int, path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Only with a folder, Python follows the link in /proc to the file.
        os.link(f"/proc/self/fd/{descriptor}", path.name, dst_dir_fd=folder, follow_symlinks=True)
        os.fsync(folder)
    except FileExistsError as error:
        raise Conflict(f"Something else has made {path} meanwhile. Name another file.") from error
    finally:
        os.close(folder)


@contextlib.contextmanager
def _named_file(path: Path) -> Iterator[IO[bytes]]:
    """The same on a file system where a file always has a name: the file is removed after an error."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
