"""A disk that is full or read-only, in plain words: any command that writes can meet one at any step."""

from __future__ import annotations

import contextlib
import errno
import shutil
import sqlite3
from collections.abc import Iterator

FULL = (errno.ENOSPC, errno.EDQUOT)
INDEX_BYTES = 32 << 10
"""What SQLite needs for the index of its write-ahead log; without it, it reports an error of the disk only."""


def disk_problem(error: BaseException) -> str:
    """What is wrong with the disk and what to do, when that is why `error` was raised; empty otherwise."""
    for each in _causes(error):
        number = each.errno if isinstance(each, OSError) else None
        name = str(getattr(each, "sqlite_errorname", "")) if isinstance(each, sqlite3.Error) else ""
        if number in FULL or name == "SQLITE_FULL" or (name.startswith("SQLITE_IOERR") and _no_room(_where(each))):
            return f"the disk of {_where(each)} is full. Free some space there, or {OTHER}"
        if number == errno.EROFS or name.startswith("SQLITE_READONLY"):
            return (
                f"{_where(each)} can only be read. Mount its file system writable, correct its permissions, or {OTHER}"
            )
    return ""


OTHER = "set VMKOPS_DATA_DIR to a folder on another disk."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        origin = getattr(error, "orig", None)  # of SQLAlchemy
        if isinstance(origin, BaseException):
            yield origin
        error = error.__cause__ or error.__context__


def _no_room(path: str) -> bool:
    with contextlib.suppress(OSError):
        return shutil.disk_usage(path).free < INDEX_BYTES
    return False


def _where(error: BaseException) -> str:
    """The file that could not be written, or the data directory."""
    from service.api.settings_source import DEFAULT_DATA_DIR, read_setting

    file = error.filename if isinstance(error, OSError) else None
    return str(file) if file else read_setting("VMKOPS_DATA_DIR") or DEFAULT_DATA_DIR
