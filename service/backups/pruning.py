"""Removes kept backups from the disk: first renamed, so that half of one never looks like a whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from service.backups.catalogue import held

DELETED = ".deleted"


def remove_package(folder: Path) -> int:
    """Remove the package and return the bytes it had; raises Conflict when it is being read, NotFound when gone."""
    with held(folder, alone=True):
        size = sum(item.lstat().st_size for item in folder.iterdir())
        aside = folder.with_name(folder.name + DELETED)
        folder.rename(aside)
        _sync(folder.parent)
        shutil.rmtree(aside)
    return size


def finish_removals(backups_dir: Path) -> int:
    """Remove what an interrupted removal has left, and say how many packages that were."""
    left = [item for item in backups_dir.glob(f"*/*{DELETED}") if item.is_dir() and not item.is_symlink()]
    for item in left:
        shutil.rmtree(item)
    return len(left)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
