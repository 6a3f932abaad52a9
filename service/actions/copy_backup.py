"""Copies a kept backup to a copy target: its record comes last, after every file was read back from there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from service.actions._from_backup import BackupParams, read_backup
from service.actions._snapshot_copy import GIVE_UP
from service.actions._targeted import info, refuse
from service.api.copy_settings import CopyTarget
from service.api.models import ActionClass, Check
from service.api.settings import Settings
from service.api.units import amount, when
from service.api.words import counted
from service.backups.catalogue import RECORD, KeptBackup
from service.backups.lock import locked
from service.backups.signatures import check_signatures
from service.backups.vm_choice import find_backup, origin, shown_vm
from service.copies.package import FileToCopy, files_to_copy
from service.copies.records import note_copy
from service.copies.store import CopyStore, find_target
from service.errors import BackupDamaged, Conflict, TargetFailed, VmkopsError
from service.jobs.action import Action, Context, JobControl, StepResult, Target

LOOK, COPY, VERIFY, FINISH = "look at the target", "copy", "read back", "complete the copy"
GIVE_UP_SECONDS = 120.0
"""How long the removal of an incomplete copy may take after a failure."""


class CopyBackup(BackupParams):
    """Which backup to copy, and where to."""

    to: str = Field(
        min_length=1,
        max_length=63,
        examples=["offsite"],
        description="The copy target: the name of a table [copy.NAME] in the settings of the service.",
    )


class Plan(StepResult):
    """What is copied: the files in their order, the record last; and the bytes of those that the target has already."""

    path: str
    files: list[FileToCopy]
    there: dict[str, int]
    disks: int = 0
    """The bytes of the disks alone; 0 in a record of an earlier version."""


class FileCopied(StepResult):
    """Whether the target had the file already, with the right content."""

    whole: bool


class Finished(StepResult):
    """When the copy was made, and when it was read back (RFC 3339, UTC)."""

    copied_at: str
    verified_at: str


class Copy(Action):
    """An unfinished copy has no `backup.json`, so nothing takes it for a whole one; a repetition completes it."""

    name = "copy-backup"
    summary = "Copy a kept backup to a copy target, and read the copy back."
    action_class = ActionClass.SAFE
    label = "Copy {target}"
    steps = (LOOK, COPY, VERIFY, FINISH)
    params = CopyBackup
    target_param = "to"

    async def pinned(self, context: Context, params: CopyBackup) -> CopyBackup:
        """See `Action.pinned`."""
        return await params.pinned(context)

    def check_names(self, settings: Settings, params: CopyBackup) -> None:
        """See `Action.check_names`."""
        find_target(settings, params.to)

    async def target(self, context: Context, params: CopyBackup) -> Target:
        """The backup as it is now, and what prevents a copy; raises NotFound."""
        to = find_target(context.settings, params.to)
        kept, vcenters = await read_backup(context, params.backup), context.vcenters.names()
        checks = [info("backup-from", origin(kept, vcenters)), *await asyncio.to_thread(_checks, context, kept, to)]
        checks += await CopyStore(to).checks(Path(kept.path))
        return Target(
            key=f"copy:{to.name}:{kept.id}",
            name=f"{shown_vm(kept, vcenters)} {kept.id} to {to.name}",
            params={"backup": kept.id, "to": to.name},
            checks=tuple(checks),
        )

    async def run(self, context: Context, job: JobControl, params: CopyBackup) -> dict[str, Any]:
        """Copy file by file, read each back, then write the record; whatever fails, nothing of a new copy stays."""
        store, id_ = CopyStore.of(context.settings, params.to), params.backup
        plan = await job.step_as(Plan, LOOK, partial(_look, context, store, id_))
        folder, record = Path(plan.path), plan.files[-1]
        others, size = plan.files[:-1], sum(file.size for file in plan.files)
        whole: set[str] = set()
        done = 0

        def progress(before: int) -> Callable[[int], None]:
            return lambda moved: job.report(before + moved, 2 * size)

        try:
            with locked(folder):
                for file in others:
                    copy = partial(_copy, store, id_, folder, file, plan.there, progress(done))
                    copied = await job.step_as(FileCopied, COPY, copy, part=file.name, interruptible=True)
                    whole |= {file.name} if copied.whole else set()
                    done += file.size
                for file in others:
                    if file.name not in whole:
                        verify = partial(_verify, store, id_, file, progress(done))
                        await job.step_as(StepResult, VERIFY, verify, part=file.name, interruptible=True)
                    done += file.size
                finish = partial(_finish, store, id_, folder, plan, record, job.job_id)
                finished = await job.step_as(Finished, FINISH, finish, interruptible=True)
        except Exception:
            if RECORD not in plan.there:
                await job.step_as(StepResult, FINISH, partial(_give_up, store, id_), part=GIVE_UP, cleanup=True)
            raise
        return {
            "backup": id_,
            "to": params.to,
            "where": store.target.where,
            "files": [file.name for file in plan.files],
            "size": plan.disks or size,
            "all_files_bytes": size,
            "copied_at": finished.copied_at,
            "verified_at": finished.verified_at,
        }


ACTION = Copy()


def disks_and_more(kept: KeptBackup) -> str:
    """What a copy of a backup has: the bytes of its disks, which lists of backups show, and its other files."""
    return f"{amount(kept.size)} of disks, and the small files beside them"


def copy_refusal(context: Context, kept: KeptBackup) -> Check | None:
    """What prevents any copy of a backup; None when nothing does. It reads from disk."""
    if kept.state in ("broken", "damaged"):
        return refuse(f"backup-{kept.state}", f"The backup {kept.id} is {kept.state}: {kept.reason}")
    if kept.saved:
        message = (
            f"The disks of the backup {kept.id} are in the store of the save profile {kept.saved.profile} "
            f"({kept.saved.repository}), and not here. Copy that store with its own means, such as restic copy."
        )
        return refuse("backup-saved", message)
    wrong, unsigned = check_signatures(kept, context.signer, required=True)
    if wrong or unsigned:
        message = f"{' '.join([*wrong, *unsigned])} Only a signed backup is copied, because a target could change it."
        return refuse("backup-signature", message)
    return None


def _checks(context: Context, kept: KeptBackup, to: CopyTarget) -> list[Check]:
    checks = [info("copy-to", f"The copy target {to.name} gets {disks_and_more(kept)} ({to.where}).")]
    if refusal := copy_refusal(context, kept):
        checks.append(refusal)
    before = next((each for each in kept.copies if each.target == to.name), None)
    if before is not None:
        message = f"The copy of {when(before.copied_at)} is read back and completed where it differs."
        checks.append(info("copied-before", message))
    return checks


async def _look(context: Context, store: CopyStore, backup: str) -> Plan:
    kept = await asyncio.to_thread(find_backup, context.settings.backups_dir, backup)
    if refusal := await asyncio.to_thread(copy_refusal, context, kept):
        raise Conflict(refusal.message)
    if missing := store.missing_program():
        raise TargetFailed(missing)
    files = await asyncio.to_thread(files_to_copy, kept)
    there = {path.partition("/")[2]: size for path, size in (await store.files(kept.id)).items()}
    detail = f"{counted(len(files), 'file')}, {amount(sum(file.size for file in files))} in all"
    detail += f"; the target has {len(there)} already" if there else ""
    return Plan(path=kept.path, files=files, there=there, disks=kept.size, detail=detail)


async def _copy(
    store: CopyStore, copy: str, folder: Path, file: FileToCopy, there: dict[str, int], progress: Callable[[int], None]
) -> FileCopied:
    if there.get(file.name) == file.size:
        found = await store.digest(copy, file.name, file.size, progress)
        if found == (file.size, file.sha256):
            return FileCopied(whole=True, detail=f"{file.name}: the target has it, with the right SHA-256")
    if RECORD in there:
        await store.unlink(copy, RECORD)  # the copy is not whole while the file is replaced
    try:
        sent = await store.put(copy, file.name, folder, file.size, progress)
    except OSError as error:
        raise BackupDamaged(f"{file.name} of the backup {copy} cannot be read: {error.strerror}.") from error
    if sent != file.sha256:
        raise BackupDamaged(
            f"{file.name} of the backup {copy} was changed: its SHA-256 is {sent}, the manifest says {file.sha256}. "
            f"Verify it: vmkops action verify-backup {copy}"
        )
    return FileCopied(whole=False, detail=f"{file.name}: {amount(file.size)}")


async def _verify(store: CopyStore, copy: str, file: FileToCopy, progress: Callable[[int], None]) -> StepResult:
    size, sha256 = await store.digest(copy, file.name, file.size, progress)
    if (size, sha256) != (file.size, file.sha256):
        raise TargetFailed(
            f"The copy target {store.target.name} gave {file.name} back with {size:,} bytes and the SHA-256 {sha256}, "
            f"but {file.size:,} with {file.sha256} were written. Check the target, then copy the backup again."
        )
    return StepResult(detail=f"{file.name}: {amount(file.size)} with the right SHA-256")


async def _finish(store: CopyStore, copy: str, folder: Path, plan: Plan, record: FileToCopy, job: str) -> Finished:
    there = {path.partition("/")[2]: size for path, size in (await store.files(copy)).items()}
    for file in plan.files[:-1]:
        if there.get(file.name) != file.size:
            raise TargetFailed(
                f"The copy target {store.target.name} no longer has {file.name}. Copy the backup {copy} again."
            )
    if not (await _copy(store, copy, folder, record, there, lambda _: None)).whole:
        await _verify(store, copy, record, lambda _: None)
    detail = f"{copy} is at {store.target.where}"
    try:
        noted = await asyncio.to_thread(note_copy, folder, store.target.name, job)
        times = (noted.copied_at, noted.verified_at)
    except OSError as error:  # the copy is whole all the same
        times = (datetime.now(UTC), datetime.now(UTC))
        detail += f"; that could not be noted in the folder of the backup: {error.strerror}"
    copied_at, verified_at = (each.isoformat(timespec="seconds") for each in times)
    return Finished(copied_at=copied_at, verified_at=verified_at, detail=detail)


async def _give_up(store: CopyStore, copy: str) -> StepResult:
    try:
        async with asyncio.timeout(GIVE_UP_SECONDS):
            await store.remove(copy)
    except TimeoutError:
        return StepResult(detail="files of the incomplete copy may be left, because the target does not answer")
    except VmkopsError as error:
        return StepResult(detail=f"files of the incomplete copy may be left: {error}")
    return StepResult(detail="nothing of the copy is left at the target")
