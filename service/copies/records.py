"""The notes in a package about its copies: one file for each copy target, so that two jobs never write the same one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from knowledge.atomic_file import replace_file
from service.backups.catalogue import COPIED, Copied, read_package


def note_copy(folder: Path, target: str, job: str) -> Copied:
    """Note that the target has a copy of the package that was just read back; raises OSError."""
    now = datetime.now(UTC)
    before = next((each.copied_at for each in read_package(folder).copies if each.target == target), now)
    copied = Copied(target=target, copied_at=before, verified_at=now, job=job)
    replace_file(folder / COPIED.format(target), f"{json.dumps(copied.model_dump(mode='json'), indent=2)}\n".encode())
    return copied


def forget_copy(backups_dir: Path, backup: str, target: str) -> None:
    """Remove the note about a copy that is gone; raises OSError."""
    for folder in backups_dir.glob(f"*/{backup}/"):
        (folder / COPIED.format(target)).unlink(missing_ok=True)
