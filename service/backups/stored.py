"""A backup whose disks are in the store of a save profile: reading them back, and removing them."""

from __future__ import annotations

from service.api.models import Check
from service.api.settings import Settings
from service.backups.catalogue import KeptBackup
from service.errors import NotConfigured, VmkopsError
from service.saving.store import DiskFacts, Saved, SavedDisk, Store


def store_of(settings: Settings, saved: Saved) -> Store:
    """The store that a save profile has a backup in; raises NotConfigured when that profile is no longer set."""
    try:
        store = Store.of(settings, saved.profile)
    except VmkopsError as error:
        raise NotConfigured(
            f"The save profile {saved.profile} of this backup is not set ({saved.repository}). Add the table "
            f"[save.{saved.profile}] to vmkops.toml again."
        ) from error
    if store.profile.table.kind != saved.kind:
        raise NotConfigured(
            f"The save profile {saved.profile} has the kind {store.profile.table.kind}, but this backup was saved with "
            f"{saved.kind} ({saved.repository}). Give the other store a profile with another name."
        )
    return store


def facts_of(kept: KeptBackup, disk: SavedDisk) -> DiskFacts:
    """What a command learns about a disk of a backup."""
    vm = {"name": kept.vm.name, "uuid": kept.vm.uuid, "moref": kept.vm.moref, "vcenter": kept.vm.vcenter}
    time = kept.created_at.isoformat(timespec="seconds") if kept.created_at else ""
    return DiskFacts(vm=vm, job=kept.id, path=disk.path, archive=disk.archive, size=disk.size, time=time)


def read_checks(settings: Settings, saved: Saved) -> list[Check]:
    """Where the disks of a backup come from, and what prevents that they are read from there."""
    try:
        store = store_of(settings, saved)
    except VmkopsError as error:
        return [Check(rule="save-profile", severity="refuse", message=str(error))]
    name = saved.profile
    if missing := store.missing_program():
        message = f"The save profile {name} needs {missing}, which is not installed where the service runs. Install it."
        return [Check(rule="save-program", severity="refuse", message=message)]
    if not store.kind.read("", ""):
        message = (
            f"The save profile {name} has no command that reads a disk back. Add restore to [save.{name}] in "
            "vmkops.toml."
        )
        return [Check(rule="save-profile", severity="refuse", message=message)]
    message = f"The disks are read from the save profile {name} ({saved.repository})."
    return [Check(rule="save-from", severity="info", message=message)]


async def forget_saved(settings: Settings, kept: KeptBackup, saved: Saved) -> str:
    """Remove the archives of a backup from its store; returns what stays there, as a sentence or empty.

    Only archives that the store lists for the job of the backup are removed; one that is gone is no error. Raises
    NotConfigured and SaveFailed.
    """
    store = store_of(settings, saved)
    # restic gives its archives ids of its own, and lists them by job; the names of the others begin with the job.
    disks = [disk for disk in saved.disks if saved.kind == "restic" or disk.archive.startswith(f"{kept.id}-disk-")]
    listed = await store.archives(kept.id)
    if listed is not None:
        disks = [disk for disk in disks if disk.archive in listed]
    if await store.forget([disk.archive for disk in disks], [facts_of(kept, disk) for disk in disks]):
        return ""
    return f"the save profile {store.profile.name} has no command forget, so what it saved stays where it is"
