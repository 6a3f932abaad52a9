"""Removes backups; each is renamed first, so that a partly removed one never looks complete.

The archives of a backup that a save profile has are removed from its store between the two. A removal that fails there
stays in its renamed folder, and the next one goes on with it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from service.api.settings import Settings
from service.backups.catalogue import KeptBackup, read_folder, read_package
from service.backups.lock import locked
from service.backups.owner import Owners
from service.backups.retention import Policy, Series, keep, series_of
from service.backups.stored import forget_saved
from service.errors import Conflict, NotFound, VmkopsError
from service.packages.folder import safe_name, sync
from service.store.deep_folders import remove_folder

DELETED = ".deleted"


class Gone(NamedTuple):
    """A removed backup: the bytes that this freed here, and what is left in a store, as a sentence or empty."""

    freed: int
    left: str


class Finished(NamedTuple):
    """How many interrupted removals were finished, and the profiles whose stores they removed something from."""

    removals: int
    profiles: set[str]


async def remove_package(settings: Settings, folder: Path) -> Gone:
    """Remove the backup; raises Conflict while somebody reads it, NotFound when it is gone."""
    size, renamed = await asyncio.to_thread(_hide, folder)
    try:
        left = await _finish(settings, renamed)
    except VmkopsError as error:
        left = f"its archives are still in the store, and the next removal tries again: {error}"
    return Gone(size, left)


async def prune_vm(
    settings: Settings, name: str, vcenter: str, moref: str, policy: Policy, series: Series
) -> list[str]:
    """Remove the backups of one VM in one series that a policy does not keep; returns their ids.

    Only the folder of the VM's present name is read: a schedule prunes thousands of VMs. A backup that somebody reads
    stays until the next time.
    """
    removed = []
    folder = settings.backups_dir / safe_name(name)
    for kept in await asyncio.to_thread(_to_prune, folder, vcenter, moref, policy, series):
        with contextlib.suppress(Conflict, NotFound):
            await remove_package(settings, Path(kept.path))
            removed.append(kept.id)
    return removed


async def finish_removals(settings: Settings) -> Finished:
    """Finish removals that were interrupted."""
    found = settings.backups_dir.glob(f"*/*{DELETED}")
    left = await asyncio.to_thread(lambda: [item for item in found if item.is_dir() and not item.is_symlink()])
    done, profiles = 0, set[str]()
    for item in left:
        saved = (await asyncio.to_thread(read_package, item, renamed=True)).saved
        with contextlib.suppress(VmkopsError):  # the store does not answer: the next time
            await _finish(settings, item)
            done += 1
            profiles |= {saved.profile} if saved else set()
    return Finished(done, profiles)


def _to_prune(folder: Path, vcenter: str, moref: str, policy: Policy, series: Series) -> Collection[KeptBackup]:
    every = read_folder(folder)
    own = next((kept.vm for kept in every if (kept.vm.vcenter, kept.vm.moref) == (vcenter, moref)), None)
    owners = Owners(every)
    decisions = keep(every, policy, datetime.now(UTC))
    return [
        each.backup
        for each in decisions
        if not (each.stays or own is None or owners.of(each.backup) != owners.of_vm(own))
        and series_of(each.backup.type, each.backup.paths) == series
    ]


def _hide(folder: Path) -> tuple[int, Path]:
    with locked(folder, exclusive=True):
        size = sum(item.lstat().st_size for item in folder.iterdir())
        renamed = folder.with_name(folder.name + DELETED)
        folder.rename(renamed)
        sync(folder.parent)
    return size, renamed


async def _finish(settings: Settings, renamed: Path) -> str:
    kept = await asyncio.to_thread(read_package, renamed, renamed=True)
    left = await forget_saved(settings, kept, kept.saved) if kept.saved else ""
    await asyncio.to_thread(remove_folder, renamed)
    return left
