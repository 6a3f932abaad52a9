"""Removes the hidden files that processes left which died while they replaced a file."""

from __future__ import annotations

import logging
from pathlib import Path

from knowledge.atomic_file import remove_stale
from service.api.settings import Settings

log = logging.getLogger(__name__)

STALE_SECONDS = 24 * 3600
"""How old such a file is at least: whoever writes one needs seconds."""


def remove_stale_files(settings: Settings) -> list[Path]:
    """Remove those of the data directory and of the team's pages, and return them; a folder that is away is skipped."""
    removed = [path for folder in _folders(settings) for path in remove_stale(folder, STALE_SECONDS)]
    for path in removed:
        log.info("a file that was never completed is removed: %s", path)
    return removed


def _folders(settings: Settings) -> list[Path]:
    data = settings.data_dir
    packages = [each for kept in (settings.backups_dir, settings.exports_dir) for each in kept.glob("*/*/")]
    return [
        *(data / name for name in ("signing", "releases")),
        *([settings.procedures_dir] if settings.procedures_dir else []),
        *packages,
    ]
