"""Small whole backup packages with the signatures of a service, without a vCenter to make them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from service.api.settings import read_settings
from service.store.signing import open_signer, signature_of
from tests.kept_packages import keep_package


def keep_signed(data_dir: Path, backup_id: str, created_at: datetime, **about: Any) -> Path:
    """Write a package as `keep_package` does, sign it with the key of the service there, and return its folder."""
    folder = keep_package(data_dir / "backups", backup_id, created_at, **about)
    signer = open_signer(read_settings({"VMKOPS_DATA_DIR": str(data_dir)}))
    for path in (*folder.glob("*.mf"), folder / "backup.json"):
        signature_of(path).write_bytes(signer.sign(path.read_bytes()))
    return folder
