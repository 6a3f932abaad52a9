"""The catalogue lists every backup, and a backup that cannot be restored as broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.backups.catalogue import read_catalogue
from service.backups.lock import locked
from service.errors import Conflict
from tests.kept_packages import keep_package

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_complete_package_is_listed_with_size_and_checksum(tmp_path: Path) -> None:
    folder = keep_package(tmp_path, "a1", NOON)

    (kept,) = read_catalogue(tmp_path)

    assert (kept.id, kept.state, kept.path, kept.created_at) == ("a1", "unverified", str(folder), NOON)
    assert kept.size == kept.disks[0].size == len(b"not really a disk")
    assert len(kept.disks[0].sha256) == 64


def test_newest_comes_first(tmp_path: Path) -> None:
    for hours in (2, 5, 1):
        keep_package(tmp_path, f"job{hours}", NOON + timedelta(hours=hours))

    assert [kept.id for kept in read_catalogue(tmp_path)] == ["job5", "job2", "job1"]


def test_incomplete_and_partly_removed_packages_are_not_listed(tmp_path: Path) -> None:
    for ending in (".partial", ".deleted"):
        keep_package(tmp_path, f"a1{ending}", NOON)

    assert read_catalogue(tmp_path) == []


def _change_record(folder: Path, **changes: object) -> None:
    record = json.loads((folder / "backup.json").read_text())
    (folder / "backup.json").write_text(json.dumps({**record, **changes}))


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda folder: (folder / "web-disk-0.vmdk").unlink(), "web-disk-0.vmdk is missing"),
        (lambda folder: (folder / "web-disk-0.vmdk").write_bytes(b"short"), "has 5 bytes"),
        (lambda folder: (folder / "web.mf").unlink(), "no manifest"),
        (lambda folder: (folder / "web.ovf").unlink(), "no descriptor"),
        (lambda folder: (folder / "other.ovf").touch(), "2 files *.ovf"),
        (lambda folder: (folder / "backup.json").unlink(), "No such file"),
        (lambda folder: (folder / "backup.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "backup.json").write_text("[]"), "cannot be read"),
        (lambda folder: _change_record(folder, job="other"), "copied or renamed"),
        (lambda folder: _change_record(folder, created_at="yesterday"), "created_at"),
        (lambda folder: _change_record(folder, disks=[]), "no disk"),
        (
            lambda folder: _change_record(folder, disks=[{"file": "../../x", "size": 1, "sha256": ""}]),
            "outside the package",
        ),
    ],
)
def test_broken_package_is_listed_with_the_reason(tmp_path: Path, harm: Callable[[Path], object], reason: str) -> None:
    harm(keep_package(tmp_path, "a1", NOON))

    (kept,) = read_catalogue(tmp_path)

    assert kept.state == "broken"
    assert reason in kept.reason


def test_verdict_of_an_earlier_verification_is_shown(tmp_path: Path) -> None:
    keep_package(tmp_path, "a1", NOON, verdict="good")
    keep_package(tmp_path, "a2", NOON, verdict="damaged")

    states = {kept.id: kept.state for kept in read_catalogue(tmp_path)}

    assert states == {"a1": "verified", "a2": "damaged"}


def test_package_that_is_read_cannot_be_locked_exclusively(tmp_path: Path) -> None:
    folder = keep_package(tmp_path, "a1", NOON)

    with locked(folder), locked(folder), pytest.raises(Conflict, match="in use"), locked(folder, exclusive=True):
        pass
    with locked(folder, exclusive=True):
        pass
