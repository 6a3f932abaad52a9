"""The disks of a backup as files on this computer: where they are, or a passing copy of what is in a store."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from service.api.settings import Settings
from service.api.units import amount, done_of
from service.background import cancel_and_wait, whole_in_thread
from service.backups.catalogue import KeptBackup
from service.backups.stored import facts_of, store_of
from service.errors import BackupDamaged, Conflict, DisksComing
from service.files.readers import DiskPlaces
from service.files.tree_writer import TreeWriter
from service.saving.reader import raw_disk
from service.saving.store import Saved, SavedDisk, Store
from service.store.deep_folders import remove_folder
from service.transfer.disk_space import FULL, disk_full

log = logging.getLogger(__name__)

KEPT_SECONDS = 3600
"""How long a copy stays after its last use."""
SPARE = 1 << 30
"""Bytes that stay free where the copies are."""
LOOK_BYTES = 64 << 20
"""Bytes between two looks at the free space."""
AT_ONCE = 2
"""Backups that are read from stores at a time."""
PARTIAL, USED, LOCK = ".partial", "used", "lock"
INSTEAD = "`vmkops action restore {id}` restores the whole VM, and needs no room here."


class BroughtDisks:
    """Finds the disks of backups. A tar archive is read where it is; other stores send only whole disks, in order.

    Those are copied, sparse, into `disks` of the data directory, by the first request that needs them. The copy is
    checked against the SHA-256 of the backup, used by the requests of the next hour and removed after it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._root = settings.data_dir / "disks"
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._done: dict[str, int] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def places(self, kept: KeptBackup) -> DiskPlaces:
        """Where the disks are. Raises DisksComing while they are copied, and why they cannot be: Conflict when there is
        no room, NotConfigured, SaveFailed or BackupDamaged."""
        if not kept.whole_vm:
            archives = [(each, each.archive.file if each.archive else "") for each in kept.volumes]
            return DiskPlaces(Path(kept.path), [], archives=archives)
        if kept.saved is None:
            return DiskPlaces(Path(kept.path), [disk.file for disk in kept.disks])
        store = store_of(self._settings, kept.saved)
        if kept.saved.kind == "tar":
            members = {disk.archive: disk.path for disk in kept.saved.disks}
            return DiskPlaces(Path(store.profile.table.repository), list(members), members)
        folder, names = self._root / kept.id, [_name(number) for number in range(len(kept.saved.disks))]
        if await asyncio.to_thread(_use, folder, names):
            return DiskPlaces(folder, names)
        await self._coming(kept, kept.saved, store, folder)
        return DiskPlaces(folder, names)

    async def _coming(self, kept: KeptBackup, saved: Saved, store: Store, folder: Path) -> None:
        """Begin to copy the disks, or say how far that is; returns when it has just ended."""
        total = sum(disk.size for disk in saved.disks)
        running = self._tasks.get(kept.id)
        if running is not None and running.done():
            del self._tasks[kept.id]
            running.result()
            if await asyncio.to_thread(_use, folder, [_name(number) for number in range(len(saved.disks))]):
                return
            running = None  # it ended long ago, and the copy was removed since
        begins = running is None
        if begins:
            if store.missing_program() or not store.kind.read("", ""):
                raise Conflict(
                    f"The disks of the backup {kept.id} are in the store of the save profile {saved.profile}, whose "
                    "program is not installed where the service runs, or which has no command `restore`."
                )
            _check_room(self._settings.data_dir, kept.id, sum(disk.sent or disk.size for disk in saved.disks))
            self._done[kept.id] = 0
            self._tasks[kept.id] = asyncio.create_task(self._bring(kept, saved, store, folder))
        coming = DisksComing(
            f"The disks of the backup {kept.id} are being read from the save profile {saved.profile}: "
            f"{done_of(self._done.get(kept.id, 0), total)}. Try again in a while. The copy is kept for an hour "
            "after its last use."
        )
        coming.first = begins
        raise coming

    async def _bring(self, kept: KeptBackup, saved: Saved, store: Store, folder: Path) -> None:
        async with self._turns:
            await asyncio.to_thread(folder.mkdir, 0o700, parents=True, exist_ok=True)
            with _held(folder) as mine:
                if not mine:
                    raise DisksComing(f"Another process of the service reads the disks of the backup {kept.id}.")
                for number, disk in enumerate(saved.disks):
                    if not (folder / _name(number)).exists():
                        await self._bring_disk(kept, disk, store, folder / _name(number))
                (folder / USED).touch()

    async def _bring_disk(self, kept: KeptBackup, disk: SavedDisk, store: Store, to: Path) -> None:
        partial, digest, seen, looked = to.with_name(to.name + PARTIAL), hashlib.sha256(), 0, 0
        partial.unlink(missing_ok=True)

        def take(piece: bytes) -> None:
            digest.update(piece)
            writer.write(piece)

        try:
            with TreeWriter(partial) as writer:
                writer.file((), 0o600, int(time.time()))
                async with raw_disk(store, disk, facts_of(kept, disk)) as pieces:
                    async for piece in pieces:
                        await whole_in_thread(take, piece)
                        self._done[kept.id] += len(piece)
                        seen += len(piece)
                        if seen - looked >= LOOK_BYTES:
                            looked = seen
                            _check_room(self._settings.data_dir, kept.id, 0)
                        if seen > disk.size:
                            break
            if (seen, digest.hexdigest()) != (disk.size, disk.sha256):
                raise BackupDamaged(
                    f"The disk {disk.path} of the backup {kept.id} comes from the store with other bytes than those "
                    "that were saved. `vmkops action verify-backup` says more."
                )
            partial.rename(to)
        except OSError as error:
            if error.errno in FULL:
                raise disk_full(self._root, disk.size - seen, f"the disks of the backup {kept.id}") from error
            raise
        finally:
            partial.unlink(missing_ok=True)

    async def sweep(self) -> None:
        """Remove the copies that nobody has used for an hour."""
        await asyncio.to_thread(self._sweep)

    def _sweep(self) -> None:
        limit = time.time() - KEPT_SECONDS
        for folder in self._root.glob("*/"):
            with contextlib.suppress(FileNotFoundError), _held(folder) as mine:
                used = folder / USED if (folder / USED).exists() else folder
                if mine and used.stat().st_mtime < limit:
                    remove_folder(folder)
                    log.info("the copy of the disks of backup %s is removed", folder.name)

    async def stop(self) -> None:
        """Stop copying."""
        for task in tuple(self._tasks.values()):
            with contextlib.suppress(Exception):
                await cancel_and_wait(task)


def _name(number: int) -> str:
    return f"disk-{number}.raw"


def _use(folder: Path, names: list[str]) -> bool:
    """Whether the whole copy is there; it then counts as used."""
    if not (folder / USED).exists() or not all((folder / name).exists() for name in names):
        return False
    (folder / USED).touch()
    return True


def _check_room(at: Path, backup: str, needed: int) -> None:
    free = shutil.disk_usage(at).free
    if free < needed + SPARE:
        raise Conflict(
            f"There is too little room where the service runs to read the disks of the backup {backup} from their "
            f"store: {amount(free)} are free, and {amount(needed)} and {amount(SPARE)} to spare are needed. "
            + INSTEAD.format(id=backup)
        )


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Hold the lock of a copy for as long as the block runs; False when another one, maybe of another process, does."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
