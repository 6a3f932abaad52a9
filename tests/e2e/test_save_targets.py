"""Backups that restic keeps elsewhere: behind S3, in a bucket whose objects are locked, and behind SFTP."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.actions import act
from tests.e2e.conftest import VM
from tests.peers.disks import make_vmdk, read_vmdk
from tests.peers.fetch import require
from tests.peers.s3_server import S3Server
from tests.peers.sftp_server import SftpServer
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, vcenter_settings

TARGETS = ("s3", "locked", "sftp")


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    require("weed")
    require("curl")
    with S3Server() as server:
        server.make_locked_bucket("locked")
        yield server


@pytest.fixture(scope="module")
def sftp() -> Iterator[SftpServer]:
    require("asyncssh")
    require("ssh")
    with SftpServer() as server:
        yield server


@pytest.fixture(scope="module")
def vcenter() -> Iterator[Vcsim]:
    require("vcsim")
    with Vcsim() as server:
        yield server


@pytest.fixture(scope="module")
def service(
    s3: S3Server, sftp: SftpServer, vcenter: Vcsim, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """A service with a save profile for each target, whose repositories are made as docs/save.md says."""
    folder = tmp_path_factory.mktemp("targets")
    (folder / "password").write_text("correct-horse-battery\n")
    (folder / "s3-key").write_text(f"{s3.key}\n")
    restic, ssh = require("restic"), require("ssh")
    program = f"{restic} --option 'sftp.command={ssh} -F {sftp.config} {sftp.HOST} -s sftp'"
    tables = []
    for name, where in zip(TARGETS, (f"s3:{s3.url}/vms", f"s3:{s3.url}/locked", f"sftp:{sftp.HOST}:/vms"), strict=True):
        tables.append(f'[save.{name}]\nkind = "restic"\nrepository = "{where}"\nprogram = """{program}"""')
        tables.append(f'password_file = "{folder / "password"}"')
        tables.append(f'environment = {{ AWS_ACCESS_KEY_ID = "{s3.key_id}", RESTIC_CACHE_DIR = "{folder / "cache"}" }}')
        tables.append(f'environment_files = {{ AWS_SECRET_ACCESS_KEY = "{folder / "s3-key"}" }}\n')
        option = f"sftp.command={ssh} -F {sftp.config} {sftp.HOST} -s sftp"
        words = ["--quiet", "--option", option, "--repo", where, "--password-file", str(folder / "password"), "init"]
        keys = {"AWS_ACCESS_KEY_ID": s3.key_id, "AWS_SECRET_ACCESS_KEY": s3.key}
        subprocess.run([str(restic), *words], env=os.environ | keys, check=True)
    (folder / "vmkops.toml").write_text("\n".join(tables))
    settings = vcenter_settings(vcenter) | {"VMKOPS_CONFIG": str(folder / "vmkops.toml")}
    with RunningService(folder / "data", settings) as running:
        yield running


@pytest.mark.parametrize("target", TARGETS)
def test_backup_elsewhere_is_verified_and_restored(
    service: RunningService, vcenter: Vcsim, target: str, tmp_path: Path
) -> None:
    disk = make_vmdk(tmp_path / "disk.vmdk", size_mb=12, seed=9, filled=0.5)
    vcenter.put_disk(vcenter.vm(VM)["disks"][0]["path"], disk)

    backup = act(service, "backup", vm=VM, save=target)
    assert backup["state"] == "succeeded", backup
    verified = act(service, "verify-backup", backup=backup["id"])
    assert verified["state"] == "succeeded", verified
    restored = act(service, "restore", backup=backup["id"])

    assert restored["state"] == "succeeded", restored
    made = vcenter.vm(restored["result"]["vm"]["name"])
    (tmp_path / "sent.vmdk").write_bytes(vcenter.read_disk(made["disks"][0]["path"]))
    assert read_vmdk(tmp_path / "sent.vmdk") == read_vmdk(disk)


def test_data_of_a_pruned_backup_stay_in_a_locked_bucket(service: RunningService, s3: S3Server) -> None:
    for _ in range(2):
        backup = act(service, "backup", vm=VM, save="locked")
        assert act(service, "verify-backup", backup=backup["id"])["state"] == "succeeded"

    pruned = act(service, "prune-backups", last=1, daily=0, weekly=0, monthly=0)

    assert pruned["state"] == "succeeded", pruned
    assert pruned["result"]["removed"]
    _, listed = s3.call("GET", "/locked?versions=")
    deleted = re.findall(r"<DeleteMarker><Key>(snapshots/[^<]+)</Key>", listed)
    assert deleted, "the repository has forgotten an archive"
    key, version = re.findall(r"<Version><Key>(snapshots/[^<]+)</Key><VersionId>([^<]+)", listed)[0]
    status, answer = s3.call("DELETE", f"/locked/{key}?versionId={version}")
    assert (status, "AccessDenied" in answer) == (403, True), answer
