"""What a copy of a package consists of: each file with its size and its SHA-256, in the order in which it is copied."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from service.backups.catalogue import RECORD, KeptBackup
from service.backups.verify import check_hashes, files_of, read_manifest
from service.errors import BackupDamaged
from service.store.signing import SIGNATURE
from service.transfer.safe_open import safe_open

LARGEST = 8 << 20
"""Bytes of the largest of the small files: the record, the manifest and the signatures."""


class FileToCopy(BaseModel):
    """One file of a package: bytes, and the SHA-256 in hex that the signed manifest or the file itself has."""

    model_config = ConfigDict(frozen=True)

    name: str
    size: int
    sha256: str


def files_to_copy(kept: KeptBackup) -> list[FileToCopy]:
    """The files of a complete, signed package, `backup.json` last; raises BackupDamaged. It reads from disk."""
    folder = Path(kept.path)
    try:
        sums = read_manifest(folder)
        listed = {name: sums.get(name, "") for name in files_of(kept)}
        if wrong := check_hashes(kept, listed):
            raise BackupDamaged(f"The backup {kept.id} cannot be copied. {' '.join(wrong)}")
        files = [FileToCopy(name=name, size=(folder / name).lstat().st_size, sha256=listed[name]) for name in listed]
        return [*files, *_small(folder)]
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise BackupDamaged(f"The backup {kept.id} cannot be read: {why}.") from error


def _small(folder: Path) -> Iterator[FileToCopy]:
    (manifest,) = (item.name for item in folder.iterdir() if item.name.endswith(".mf"))
    for name in (manifest, f"{manifest}{SIGNATURE}", f"{RECORD}{SIGNATURE}", RECORD):
        with safe_open(folder, name) as file:
            content = file.read(LARGEST)
        yield FileToCopy(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())
