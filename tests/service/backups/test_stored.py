"""Which archives are removed with a backup whose disks are in a store."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from service.api.save_settings import SaveProfile, SaveTable
from service.backups.catalogue import KeptBackup, KeptVm
from service.backups.stored import forget_saved
from service.saving.store import Saved, SavedDisk


async def test_archive_of_another_job_is_never_removed(tmp_path: Path) -> None:
    """The record of a package that somebody has changed can name any archive."""
    table = SaveTable(kind="command", command="cat", forget=f"echo $VMKOPS_ARCHIVE >> {tmp_path}/forgotten")
    profiles = {"own": SaveProfile(name="own", table=table)}
    settings = SimpleNamespace(backups_dir=tmp_path, save_profiles=lambda: profiles)
    archives = ["other-disk-0-120000", "job1-disk-0-120000"]
    disks = [SavedDisk(file="d.vmdk", archive=each, path="u/disk-0.raw", size=1, sha256="0" * 64) for each in archives]
    saved = Saved(profile="own", kind="command", disks=disks)
    vm = KeptVm(name="web", uuid="u", moref="vm-1")
    kept = KeptBackup(id="job1", state="unverified", vm=vm, path=str(tmp_path), saved=saved)

    await forget_saved(settings, kept, saved)  # type: ignore[arg-type]

    assert (tmp_path / "forgotten").read_text() == "job1-disk-0-120000\n"
