"""What the descriptor of a kept backup says: its files, networks and disks, with the place of each disk."""

from __future__ import annotations

import asyncio
from pathlib import Path

from service.backups.catalogue import KeptBackup, descriptor_of
from service.errors import BackupDamaged, PackageRefused
from service.packages.contents import CHECK_IN_THE_SHELL, Contents
from service.workers.pool import Workers


async def read_described(workers: Workers, kept: KeptBackup) -> Contents:
    """The package of a backup that is not broken; raises BackupDamaged."""
    folder = Path(kept.path)
    name = (await asyncio.to_thread(descriptor_of, folder)).name
    try:
        return await workers.run(
            "read_contents",
            Contents,
            root=str(folder),
            path=name,
            elsewhere=[disk.file for disk in kept.disks] if kept.saved else [],
            advice=CHECK_IN_THE_SHELL,
        )
    except PackageRefused as error:
        raise BackupDamaged(f"{error} Restore another backup.") from error


async def with_places(workers: Workers, kept: KeptBackup) -> KeptBackup:
    """The same backup, with number, place and capacity of each disk as far as its descriptor can be read."""
    if not kept.good or not kept.whole_vm:
        return kept
    try:
        found = (await read_described(workers, kept)).outline.disks
    except BackupDamaged:
        return kept
    by_file = {disk.file: disk for disk in found}
    disks = [
        each.model_copy(update={"number": disk.number, "place": disk.place, "capacity": disk.capacity})
        if (disk := by_file.get(each.file))
        else each
        for each in kept.disks
    ]
    return kept.model_copy(update={"disks": disks})
