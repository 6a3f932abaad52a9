"""Files out of backups of a real VM: its root is on LVM over two disks, backed up into a folder and into stores."""

from __future__ import annotations

import io
import os
import random
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.conftest import VM
from tests.peers import file_systems as make
from tests.peers.fetch import require
from tests.peers.person import add_disk
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, vcenter_settings

BIG = random.Random(8).randbytes(7_000_000)
"""Three files of this size lie on both disks."""


class Kept(NamedTuple):
    """A service with a vCenter, and the folder of its stores."""

    service: RunningService
    vcenter: Vcsim
    folder: Path
    tree: Path

    def backup(self, profile: str) -> str:
        """The id of a backup into this save profile."""
        job = self.service.ended(self.service.backup(VM, save=profile)["id"])
        assert job["state"] == "succeeded", job
        return str(job["id"])


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    for peer in ("restic", "borg", "vcsim", "qemu-img", "mke2fs"):
        require(peer)
    folder = tmp_path_factory.mktemp("stores")
    tree = folder / "tree"
    (tree / "etc").mkdir(parents=True)
    (tree / "usr").mkdir()
    (tree / "etc/hosts").write_text("10.0.0.7 web-01\n")
    for number in range(3):
        (tree / f"big-{number}").write_bytes(BIG[number:])
    inner = make.ext("ext4")(folder / "inner.img", tree)
    disks = make.spanned_volume([folder / "sda.img", folder / "sdb.img"], inner)
    (folder / "password").write_text("correct-horse\n")
    (folder / "tar").mkdir()
    (folder / "vmkops.toml").write_text(
        f"""
[save.restic]
kind = "restic"
repository = "{folder / "restic"}"
password_file = "{folder / "password"}"
program = "{require("restic")} --cache-dir {folder / "cache"}"

[save.borg]
kind = "borg"
repository = "{folder / "borg"}"
password_file = "{folder / "password"}"
program = "{require("borg")}"
environment = {{ BORG_BASE_DIR = "{folder}" }}

[save.tar]
kind = "tar"
repository = "{folder / "tar"}"

[save.oneway]
kind = "command"
command = "cat > /dev/null"

[save.other]
kind = "command"
command = "cat > /dev/null"
restore = "head -c $VMKOPS_DISK_SIZE /dev/zero"
"""
    )
    subprocess.run(
        [str(require("restic")), "init", "--repo", str(folder / "restic"), "--password-file", str(folder / "password")],
        check=True,
        capture_output=True,
    )
    subprocess.run(
        [str(require("borg")), "init", "--encryption", "repokey-blake2", str(folder / "borg")],
        env=os.environ | {"BORG_PASSCOMMAND": f"cat {folder / 'password'}", "BORG_BASE_DIR": str(folder)},
        check=True,
        capture_output=True,
    )
    with Vcsim() as vcenter:
        add_disk(vcenter, VM, size_mb=disks[1].stat().st_size >> 20, unit=1)
        for disk, of_vm in zip(disks, vcenter.vm(VM)["disks"], strict=True):
            vcenter.put_disk(of_vm["path"], make.vmdk(disk, "streamOptimized"))
        settings = vcenter_settings(vcenter) | {"VMKOPS_CONFIG": str(folder / "vmkops.toml")}
        with RunningService(folder / "data", settings) as service:
            yield Kept(service, vcenter, folder, tree)


@pytest.mark.parametrize("profile", ["none", "tar", "restic", "borg"])
def test_files_come_out_of_a_backup_of_a_vm_byte_for_byte(kept: Kept, profile: str) -> None:
    backup = kept.backup(profile)

    volumes = kept.service.run("files", backup)
    assert volumes.returncode == 0, volumes.stderr
    rows = [line.split() for line in volumes.stdout.splitlines()]
    assert [(row[0], row[1]) for row in rows] == [("disk0", "lvm2"), ("disk1", "lvm2"), ("vg0/root", "ext4")]
    brought = f"are being read from the save profile {profile}" in volumes.stderr
    assert brought == (profile in ("restic", "borg"))
    listed = kept.service.run("files", backup, "ls", "/")
    assert {"etc", "big-0"} <= set(listed.stdout.split()), listed
    assert kept.service.run("files", backup, "cat", "/etc/hosts").stdout == "10.0.0.7 web-01\n"
    to = kept.folder / f"got-{profile}"
    got = kept.service.run("files", backup, "get", "/", "--to", str(to))
    assert got.returncode == 0, got.stderr
    for file in kept.tree.glob("big-*"):
        assert (to / file.name).read_bytes() == file.read_bytes()


def test_disks_that_a_store_sends_back_with_other_bytes_are_not_read(kept: Kept) -> None:
    backup = kept.backup("other")

    refused = kept.service.run("files", backup)

    assert refused.returncode == 1
    assert "other bytes than those that were saved" in refused.stderr
    assert not list((kept.service.data_dir / "disks" / backup).glob("*.raw*"))


def test_store_that_sends_nothing_back_is_refused_in_words(kept: Kept) -> None:
    status, problem = kept.service.call("GET", f"/backups/{kept.backup('oneway')}/volumes")

    assert status == 409
    assert "no command `restore`" in problem["detail"]


def test_archive_of_another_form_is_a_note_of_its_volume(kept: Kept) -> None:
    backup = kept.backup("tar")
    _, found = kept.service.call("GET", f"/backups/{backup}")
    first, second = (kept.folder / "tar" / disk["archive"] for disk in found["saved"]["disks"])
    with tarfile.open(first, "w") as archive:
        archive.addfile(tarfile.TarInfo("etc/passwd"), io.BytesIO())
    second.write_bytes(second.read_bytes()[: 1 << 20])

    _, answer = kept.service.call("GET", f"/backups/{backup}/volumes")

    assert "does not begin with the disk" in answer["volumes"][0]["note"]
    assert "is cut off" in answer["volumes"][1]["note"]
