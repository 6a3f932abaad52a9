"""Removes backups from disk; each is renamed first, so that a partly removed one never looks complete."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from service.backups.lock import locked

DELETED = ".deleted"


def remove_package(folder: Path) -> int:
    """Remove the package and return its bytes; raises Conflict while somebody reads it, NotFound when it is gone."""
    with locked(folder, exclusive=True):
        size = sum(item.lstat().st_size for item in folder.iterdir())
        renamed = folder.with_name(folder.name + DELETED)
        folder.rename(renamed)
        _sync(folder.parent)
        shutil.rmtree(renamed)
    return size


def finish_removals(backups_dir: Path) -> int:
    """Finish removals that were interrupted; returns how many."""
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
