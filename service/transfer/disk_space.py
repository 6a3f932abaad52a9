"""How much disk space is free for a package, and whether that is enough.

`keep` is the setting VMKOPS_KEEP_FREE in bytes: what stays free for the databases and the logs.
"""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from service.api.models import Check
from service.api.units import amount
from service.errors import DiskFull

LOOK_BYTES = 64 << 20
"""How many bytes are written between two looks at the free disk space."""

FULL = (errno.ENOSPC, errno.EDQUOT)
"""The errors of a write for which there is no room: the disk is full, or what this user may have of it."""


def disk_full(folder: Path, missing: int, what: str) -> DiskFull:
    """That the disk of `folder` is full, and that `missing` bytes of `what` do not fit."""
    return DiskFull(
        f"The disk of {folder} is full: {amount(missing)} of {what} do not fit. Free up disk space there, then try "
        "again."
    )


def free_space(folder: Path) -> int:
    """Bytes free on the file system of `folder`, which does not have to exist yet."""
    return shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.exists())).free


def require_space(to: Path, size: int, keep: int) -> None:
    """Raise DiskFull when less than `keep` bytes would be free after `size` more bytes of the file `to`."""
    free = free_space(to.parent)
    if free - size < keep:
        needed = f" for {amount(size)} of {to.name}" if size >> 20 else f" for {to.name}"
        raise DiskFull(
            f"{amount(free)} are free in {to.parent}, which is not enough{needed}: {amount(keep)} stay free for "
            "the databases (VMKOPS_KEEP_FREE). Free up disk space, then try again."
        )


def check_space(rule: str, folder: Path, needed: int | None, what: str, keep: int) -> list[Check]:
    """Check the free space in `folder` for `what` (such as "the backup"), which takes up to `needed` bytes.

    Refuses when less than `keep` bytes are free, warns when `needed` may not fit, and finds nothing otherwise; `rule`
    is the rule of the finding. An unknown need is None.
    """
    free = free_space(folder)
    if free < keep:
        message = (
            f"Only {amount(free)} are free in {folder}, and {amount(keep)} stay free for the databases "
            "(VMKOPS_KEEP_FREE). Free up disk space there, then try again."
        )
        return [Check(rule=rule, severity="refuse", message=message)]
    if needed and free - needed < keep:
        message = (
            f"{amount(free)} are free in {folder}, and {what} takes up to {amount(needed)}. It is stopped when "
            f"only {amount(keep)} are free (VMKOPS_KEEP_FREE)."
        )
        return [Check(rule=rule, severity="warn", message=message)]
    return []
