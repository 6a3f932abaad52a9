"""The part of a backup that saves disks with a save profile instead of copying them into its folder."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from service.api.settings import Settings
from service.api.units import amount
from service.api.words import counted
from service.backups.plan import BackupPlan
from service.errors import SaveFailed, VmkopsError
from service.jobs.action import JobControl
from service.packages.folder import CopiedFile
from service.saving.pipe import RawDisk, SavePipe
from service.saving.store import DiskFacts, Saved, SavedDisk, Store, folder_of
from service.saving.vmdk_decoder import capacity_of
from service.transfer.export_lease import CopiedDisk, ExportLease, OpenedLease
from service.transfer.stream import DiskSink

ANSWER_SECONDS = 60.0
"""A fraction of how long a list of archives may take while the snapshot waits."""


class SavedFile(CopiedFile):
    """A disk that was saved; `size` and `sha256` are those of the stream that the host sent."""

    archive: str
    path: str
    raw_size: int
    raw_sha256: str
    added: int | None = None


class Totals(NamedTuple):
    """The bytes of the raw disks, and the bytes that they added to the store; None when that is unknown."""

    raw: int
    added: int | None

    @property
    def ratio(self) -> float | None:
        """How many bytes of disks one added byte stands for; None when nothing is known."""
        return round(self.raw / self.added, 1) if self.added else None

    def words(self, profile: str) -> str:
        """What was saved with this profile, for people."""
        new = "" if self.added is None else f", {amount(self.added)} new in the store"
        return f"{amount(self.raw)} saved with {profile}{new}"


class Saving:
    """The save of the disks of one backup in this process; `vm` is what `DiskFacts` has of the VM."""

    def __init__(self, settings: Settings, name: str, job: JobControl, vm: dict[str, str]) -> None:
        self._store = Store.of(settings, name)
        self._say = job.say
        self._job = job.job_id
        self._vm = vm

    async def save(
        self,
        plan: BackupPlan,
        lease: ExportLease,
        opened: OpenedLease,
        number: int,
        name: str,
        guard: Callable[[Coroutine[Any, Any, CopiedDisk]], Awaitable[CopiedDisk]],
    ) -> SavedFile:
        """Save one disk, whose file in the descriptor is `name`; raises SaveFailed and what `ExportLease.copy` does."""
        now = datetime.now(UTC)
        path = f"{folder_of(plan.uuid, self._vm['moref'])}/disk-{number}.raw"
        facts = DiskFacts(
            vm=self._vm,
            job=self._job,
            path=path,
            archive=f"{self._job}-disk-{number}-{now:%H%M%S%f}",  # a repeated save gets another name
            size=0,
            time=now.isoformat(timespec="seconds"),
        )
        saved: list[RawDisk] = []

        @contextlib.asynccontextmanager
        async def opening(start: bytes) -> AsyncIterator[DiskSink]:
            about = facts._replace(size=capacity_of(start))
            async with self._store.saving(about) as process:
                pipe = SavePipe(self._store, about, process, name)
                try:
                    yield pipe
                finally:
                    pipe.close()

        async def ended(sink: DiskSink) -> None:
            saved.append(await cast(SavePipe, sink).commit())

        async with self._store.turn(self._wait):
            self._say("")
            copied = await guard(lease.stream(opened, number, name, opening, ended))
        raw = saved[-1]
        added = "" if raw.added is None else f", {amount(raw.added)} new in the store"
        return SavedFile(
            key=opened.disks[number].key,
            file=name,
            size=copied.size,
            sha256=copied.sha256,
            archive=raw.archive,
            path=path,
            raw_size=raw.size,
            raw_sha256=raw.sha256,
            added=raw.added,
            detail=f"{path}: {amount(raw.size)}{added}, {copied.compared}",
        )

    def _wait(self) -> None:
        self._say(f"waiting for its turn: another job uses the save profile {self._store.profile.name}")

    async def settle(self, files: Sequence[SavedFile]) -> Saved:
        """What the backup records; archives that interrupted saves of this job left are removed.

        Raises SaveFailed when the store does not list an archive that it has made.
        """
        found = await self._listed()
        ids = {file.archive: file.archive for file in files}
        if found is not None:
            for own in ids:  # restic prints the beginning of an id
                ids[own] = next((each for each in found if each.startswith(own)), "")
                if not ids[own]:
                    raise SaveFailed(
                        f"The store of the save profile {self._store.profile.name} does not list the archive {own}, "
                        "which was just saved. Check the repository."
                    )
            with contextlib.suppress(SaveFailed):  # they cost space, and nothing else
                await self._store.forget([each for each in found if each not in ids.values()])
        return Saved(
            profile=self._store.profile.name,
            kind=self._store.profile.table.kind,
            repository=self._store.profile.where,
            disks=[
                SavedDisk(
                    file=file.file,
                    archive=ids[file.archive],
                    path=file.path,
                    size=file.raw_size,
                    sent=file.size,
                    sha256=file.raw_sha256,
                )
                for file in files
            ],
        )

    async def give_up(self) -> str:
        """Remove the archives of this job, and return how that went; a failure is only reported.

        It ends within two minutes: the snapshot is still there.
        """
        try:
            async with asyncio.timeout(2 * ANSWER_SECONDS):
                found = await self._store.archives(self._job)
                await self._store.forget(found or [])
        except TimeoutError:
            return "archives of this job may be left in the store, which does not answer"
        except VmkopsError as error:
            return f"archives of this job may be left in the store: {error}"
        return f"{counted(len(found), 'archive')} removed from the store" if found else ""

    async def _listed(self) -> list[str] | None:
        try:
            async with asyncio.timeout(5 * ANSWER_SECONDS):
                return await self._store.archives(self._job)
        except TimeoutError as error:
            raise SaveFailed(
                f"The store of the save profile {self._store.profile.name} has not listed its archives within "
                f"{5 * ANSWER_SECONDS:.0f} seconds. Check the repository."
            ) from error


def recorded(file: CopiedFile) -> dict[str, Any]:
    """A disk as `backup.json` has it; one that was saved with the size and the hash of the raw disk."""
    found = file.model_dump(include={"key", "file", "size", "sha256"})
    return found | {"size": file.raw_size, "sha256": file.raw_sha256} if isinstance(file, SavedFile) else found


def totals(files: Sequence[SavedFile]) -> Totals:
    """The totals of the disks of one backup."""
    added = [file.added for file in files if file.added is not None]
    return Totals(sum(file.raw_size for file in files), sum(added) if len(added) == len(files) else None)
