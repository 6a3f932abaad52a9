"""What dead writers left is found in every folder where files are replaced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.api.settings import Settings
from service.store.stale_files import remove_stale_files


@pytest.mark.parametrize("folder", ["data/signing", "data/releases", "data/backups/web/1a2b3c4d", "team"])
def test_old_file_of_a_dead_writer_is_removed(tmp_path: Path, folder: str) -> None:
    (tmp_path / "team").mkdir()
    left = tmp_path / folder / ".verified.json.0123456789abcdef.tmp"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.touch()
    os.utime(left, (1, 1))
    settings = Settings.model_validate(
        {"VMKOPS_DATA_DIR": tmp_path / "data", "VMKOPS_PROCEDURES_DIR": tmp_path / "team"}
    )

    assert remove_stale_files(settings) == [left]
    assert not left.exists()
