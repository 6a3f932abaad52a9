"""VMs with file systems on their disks, and a service that keeps files of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import VM
from tests.peers import file_systems as make
from tests.peers.fetch import require
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, vcenter_settings

BIG = 2 << 30
"""Bytes of a file with next to nothing in it, which takes seconds to extract."""
LARGE, WINDOWS, LOCKED, LETTERS = "DC0_H0_VM1", "DC0_C0_RP0_VM0", "DC0_C0_RP0_VM1", "DC0_H0_VM2"
MANY = 20
"""Files of 8 MiB with one letter each, which take little room on the compressed disk."""
HOSTILE = b"\xff\x1b[2J\nname"
OLD = 1_500_000_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trees that the disks of the VMs have: system, data, windows and big."""
    for program in ("vcsim", "qemu-img", "mke2fs", "mkfs.vfat", "mcopy", "mkntfs", "ntfscp", "sfdisk", "mkfs.xfs"):
        require(program)
    folder = tmp_path_factory.mktemp("made")
    system, data, windows = folder / "system", folder / "data", folder / "windows"
    for each in (system / "etc/app", system / "usr/bin", data / "letters", windows, folder / "big"):
        each.mkdir(parents=True)
    (system / "etc/hosts").write_text("127.0.0.1 localhost\n")
    (system / "etc/app/a, b.conf").write_text("comma\n")
    (system / "etc/app" / os.fsdecode(HOSTILE)).write_text("hostile\n")
    (system / "etc/app" / ("long" * 60)).write_text("long\n")
    (system / "etc/app/random").write_bytes(os.urandom(3 << 20))
    with (system / "etc/app/sparse").open("wb") as file:
        file.truncate(9 << 20)
        file.seek(5 << 20)
        file.write(b"in the middle")
    (system / "etc/shadow").write_text("secret\n")
    (system / "etc/shadow").chmod(0o600)
    (system / "etc/link").symlink_to("../usr/bin/run")
    (system / "usr/bin/run").write_text("#!/bin/sh\n")
    (system / "usr/bin/run").chmod(0o4755)
    os.utime(system / "etc/hosts", (OLD, OLD))
    (data / "letters/dear.txt").write_text("dear\n")
    (windows / "Ann.txt").write_bytes(os.urandom(100_000))
    with (folder / "big/zeros").open("wb") as zeros:
        zeros.truncate(BIG)
    return folder


@pytest.fixture(scope="module")
def vcenter(made: Path) -> Iterator[Vcsim]:
    """A vCenter with a VM that has two volumes with files and one that is closed, one with NTFS, one that is closed,
    and one with a large file."""
    luks, letters = make.luks(made / "luks.img"), made / "letters"
    letters.mkdir()
    for number in range(MANY):
        (letters / f"file-{number}").write_bytes(bytes([65 + number]) * (8 << 20))
    parts = [make.ext("ext4")(made / "system.img", made / "system"), make.fat(made / "data.img", made / "data"), luks]
    disks = {
        VM: make.partitioned(made / "disk.img", parts, "gpt"),
        LARGE: make.ext("ext4")(made / "large.img", made / "big"),
        WINDOWS: make.ntfs(made / "windows.img", made / "windows"),
        LOCKED: luks,
        LETTERS: make.xfs(made / "letters.img", letters),
    }
    with Vcsim(("-vm", "3")) as vcsim:
        for name, raw in disks.items():
            vcsim.put_disk(vcsim.vm(name)["disks"][0]["path"], make.vmdk(raw, "streamOptimized"))
        yield vcsim


@pytest.fixture(scope="module")
def service(vcenter: Vcsim, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Its service, which copies to a directory when asked to."""
    with RunningService(
        tmp_path_factory.mktemp("service") / "data", {**vcenter_settings(vcenter), "VMKOPS_REAP_SECONDS": "1"}
    ) as service:
        yield service


@pytest.fixture
def kept(service: RunningService, vcenter: Vcsim) -> Iterator[Path]:
    """The directory of the backups; after the test, no incomplete one is in it, and nothing is left in vCenter."""
    yield service.data_dir / "backups"
    assert incomplete(service.data_dir / "backups") == []
    assert vcenter.snapshots() == {}
    assert "ready" not in {lease["state"] for lease in vcenter.leases()}


def incomplete(backups: Path) -> list[str]:
    """The names of what is not complete."""
    return [each.name for each in backups.glob("*/*") if each.name.endswith((".partial", ".deleted"))]
