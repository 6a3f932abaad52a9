"""A backup in whose place of a file there is a pipe or a link is refused, and holds nothing up."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.api.settings import read_settings
from service.backups.catalogue import KeptBackup, KeptVm
from service.backups.signatures import check_signatures
from service.backups.verify import check_descriptor, check_hashes
from service.store.signing import open_signer, signature_of
from tests.kept_packages import keep_package

pytestmark = pytest.mark.timeout(60)  # a pipe that is opened would wait for its writer without end


def problems(folder: Path, data: Path) -> list[str]:
    """What a verification finds wrong with a package."""
    signer = open_signer(read_settings({"VMKOPS_DATA_DIR": str(data)}))
    for path in (folder / "web.mf", folder / "backup.json"):
        if path.is_file() and not os.path.lexists(signature_of(path)):
            signature_of(path).write_bytes(signer.sign(path.read_bytes()))
    kept = KeptBackup(id="b", state="unverified", vm=KeptVm(), path=str(folder))
    return [
        *check_signatures(kept, signer, required=True)[0],
        *check_hashes(kept, {}),
        *check_descriptor(str(folder)).problems,
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("backup.json.sig", "The signature of backup.json cannot be read: it is not a regular file."),
        ("web.mf", "The manifest cannot be read: it is not a regular file."),
        ("web.ovf", "The descriptor web.ovf cannot be read: it is not a regular file."),
    ],
)
def test_pipe_is_refused(tmp_path: Path, name: str, words: str) -> None:
    folder = keep_package(tmp_path / "backups", "b", datetime.now(UTC))
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)

    assert words in problems(folder, tmp_path)


def test_link_is_refused(tmp_path: Path) -> None:
    folder = keep_package(tmp_path / "backups", "b", datetime.now(UTC))
    (folder / "backup.json.sig").symlink_to("/dev/zero")

    assert any("symbolic links are not followed" in each for each in problems(folder, tmp_path))
