"""How much room there is for a package."""

from __future__ import annotations

import shutil
from pathlib import Path

LEAST_ROOM = 64 << 20
"""Bytes that stay free whatever is written."""


def free_room(folder: Path) -> int:
    """Bytes free where `folder` is, or will be."""
    return shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.exists())).free
