"""How much disk space is free for a package, and whether that is enough."""

from __future__ import annotations

import shutil
from pathlib import Path

from service.api.models import Check

RESERVE = 64 << 20
"""Bytes that must stay free whatever is written."""


def free_space(folder: Path) -> int:
    """Bytes free on the file system of `folder`, which does not have to exist yet."""
    return shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.exists())).free


def check_space(rule: str, folder: Path, needed: int | None, what: str) -> list[Check]:
    """Check the free space in `folder` for `what` (such as "the backup"), which takes up to `needed` bytes.

    Refuses when not even the reserve is free, warns when `needed` may not fit, and finds nothing otherwise; `rule`
    is the rule of the finding. An unknown need is None.
    """
    free = free_space(folder)
    if free < RESERVE:
        message = f"Only {free >> 20} MiB are free in {folder}. Free up disk space there, then try again."
        return [Check(rule=rule, severity="refuse", message=message)]
    if needed and free < needed:
        message = (
            f"{free >> 20} MiB are free in {folder}, and {what} takes up to {needed >> 20} MiB. It fails when the disk "
            "is full."
        )
        return [Check(rule=rule, severity="warn", message=message)]
    return []
