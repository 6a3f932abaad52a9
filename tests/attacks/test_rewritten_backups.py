"""Somebody who can write to the folder of the backups, but does not have the key."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.kept_packages import keep_package
from tests.peers.disks import make_vmdk
from tests.peers.fetch import require
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, vcenter_settings

VM = "DC0_H0_VM0"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with one backup of a VM."""
    require("vcsim")
    require("qemu-img")
    disk = make_vmdk(tmp_path_factory.mktemp("disk") / "disk.vmdk", size_mb=4, seed=3)
    with Vcsim() as vcenter:
        vcenter.put_disk(vcenter.vm(VM)["disks"][0]["path"], disk)
        with RunningService(tmp_path_factory.mktemp("data"), vcenter_settings(vcenter)) as running:
            job = running.ended(running.backup(VM)["id"])
            assert job["state"] == "succeeded", job
            yield running


@pytest.fixture
def package(service: RunningService) -> Iterator[Path]:
    """The folder of the backup, as it was written; it is given back as it was."""
    (folder,) = (service.data_dir / "backups" / VM).iterdir()
    saved = service.data_dir / "saved"
    shutil.copytree(folder, saved)
    yield folder
    shutil.rmtree(folder)
    saved.rename(folder)


def rewrite(package: Path) -> None:
    """Change a byte of the disk, and all checksums of it."""
    disk = next(package.glob("*.vmdk"))
    content = bytearray(disk.read_bytes())
    before = hashlib.sha256(content).hexdigest()
    content[len(content) // 2] ^= 1
    disk.write_bytes(content)
    after = hashlib.sha256(content).hexdigest()
    for path in (*package.glob("*.mf"), package / "backup.json"):
        path.write_text(path.read_text().replace(before, after))


def verdict(service: RunningService, package: Path) -> dict[str, Any]:
    """How the verification of the backup ends."""
    status, job = service.call("POST", "/actions/verify-backup", {"params": {"backup": package.name}})
    assert status == 202, job
    return service.ended(job["id"])


def restore_checks(service: RunningService, package: Path) -> list[dict[str, Any]]:
    """What a restore would find first."""
    (package / "verified.json").unlink(missing_ok=True)
    _, preview = service.call("POST", "/actions/restore/check", {"params": {"backup": package.name}})
    return list(preview["checks"])


def test_untouched_backup_is_good(service: RunningService, package: Path) -> None:
    assert verdict(service, package)["state"] == "succeeded"
    assert not [each for each in restore_checks(service, package) if each["severity"] == "refuse"]


def test_disk_and_manifest_that_were_rewritten_together_are_refused(service: RunningService, package: Path) -> None:
    rewrite(package)

    job = verdict(service, package)
    (refused,) = [each for each in restore_checks(service, package) if each["severity"] == "refuse"]

    assert job["state"] == "failed"
    assert f"{VM}.mf was changed after it was signed" in job["error"]["detail"]
    assert refused["rule"] == "backup-signature"


def test_removed_signatures_are_missed(service: RunningService, package: Path) -> None:
    rewrite(package)
    for path in package.glob("*.sig"):
        path.unlink()

    job = verdict(service, package)

    assert job["state"] == "failed"
    assert "The signature is missing" in job["error"]["detail"]
    assert "backup-signature" in [each["rule"] for each in restore_checks(service, package)]


def test_record_of_another_vm_is_refused(service: RunningService, package: Path) -> None:
    record = json.loads((package / "backup.json").read_text())
    record["vm"]["name"] = "payroll"
    (package / "backup.json").write_text(json.dumps(record))

    assert "backup-signature" in [each["rule"] for each in restore_checks(service, package)]


def test_older_backup_without_signatures_is_usable_with_a_warning(service: RunningService) -> None:
    age = timedelta(days=30)
    folder = keep_package(service.data_dir / "backups", "old", datetime.now(UTC) - age, vm="old-01")

    found = {each["rule"]: each["severity"] for each in restore_checks(service, folder)}

    assert found["backup-unsigned"] == "warn"
    assert "backup-signature" not in found
