"""Copies of disks from a store go when nobody uses them, and are refused when there is no room. See also
`tests/e2e/test_files_of_vms.py`, where real stores are read."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from service.api.settings import read_settings
from service.backups import brought as brought_module
from service.backups.brought import KEPT_SECONDS, LOCK, SPARE, USED, BroughtDisks
from service.backups.catalogue import KeptBackup, KeptVm
from service.errors import Conflict, DisksComing
from service.saving.store import Saved, SavedDisk

CONFIG = '[save.own]\nkind = "command"\ncommand = "cat > /dev/null"\nrestore = "head -c 10 /dev/zero"\n'


def copy_of(data: Path, backup: str, age: float) -> Path:
    folder = data / "disks" / backup
    folder.mkdir(parents=True)
    (folder / "disk-0.raw").write_bytes(bytes(10))
    (folder / USED).touch()
    for each in (folder / USED, folder):
        os.utime(each, (time.time() - age,) * 2)
    return folder


def brought(data: Path) -> BroughtDisks:
    (data / "vmkops.toml").write_text(CONFIG)
    return BroughtDisks(read_settings({"VMKOPS_DATA_DIR": str(data), "VMKOPS_CONFIG": str(data / "vmkops.toml")}))


async def test_copy_that_nobody_uses_is_removed_and_another_one_stays(tmp_path: Path) -> None:
    old, fresh, held = (
        copy_of(tmp_path, name, age)
        for name, age in (("old", KEPT_SECONDS + 60), ("fresh", 60), ("held", KEPT_SECONDS + 60))
    )
    with (held / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        await brought(tmp_path).sweep()

    assert (old.exists(), fresh.exists(), held.exists()) == (False, True, True)


async def test_copy_without_room_is_refused_with_the_command_that_needs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(SPARE + 5))
    disk = SavedDisk(file="d.vmdk", archive="a-disk-0", path="uuid/disk-0.raw", size=10, sha256="0" * 64)
    kept = KeptBackup(
        id="a1",
        state="verified",
        vm=KeptVm(name="web"),
        path="",
        saved=Saved(profile="own", kind="command", disks=[disk]),
    )

    with pytest.raises(Conflict, match=r"1\.1 GB are free, and 10 bytes .*`vmkops action restore a1`"):
        await brought(tmp_path).places(kept)


async def test_copy_ends_when_others_take_the_room_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    free = iter([2 * SPARE])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(next(free, 0)))
    monkeypatch.setattr(brought_module, "LOOK_BYTES", 7)
    disk = SavedDisk(file="d.vmdk", archive="a-disk-0", path="uuid/disk-0.raw", size=10, sha256="0" * 64)
    kept = KeptBackup(
        id="a1",
        state="verified",
        vm=KeptVm(name="web"),
        path="",
        saved=Saved(profile="own", kind="command", disks=[disk]),
    )
    disks = brought(tmp_path)

    async def ended() -> None:
        async with asyncio.timeout(120):
            while True:
                with contextlib.suppress(DisksComing):
                    await disks.places(kept)
                await asyncio.sleep(0.01)

    with pytest.raises(Conflict, match="too little room"):
        await ended()

    assert not list((tmp_path / "disks" / "a1").glob("disk-*"))
