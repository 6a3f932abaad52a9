"""The documented seven steps of a VCB backup, as durable steps: what `backup` and `mount` have in common."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import NamedTuple

from service.backups.plan import BackupPlan, PackageWritten, SnapshotRemoved, SnapshotTaken
from service.backups.saving import SavedFile
from service.backups.steps import BackupRun
from service.jobs.action import JobControl, StepResult
from service.packages.folder import CopiedFile
from service.transfer.export_lease import OpenedLease

QUIESCE, SNAPSHOT, UNQUIESCE, MOUNT, BACK_UP, UNMOUNT, REMOVE = (
    "quiesce",
    "snapshot",
    "unquiesce",
    "mount",
    "back up",
    "unmount",
    "remove snapshot",
)
GIVE_UP = "give up"
"""The part of a step that cleans up after a failure."""


class Names(NamedTuple):
    """What an action calls the steps that open the lease, copy the disks, and close the lease."""

    open: str = MOUNT
    copy: str = BACK_UP
    close: str = UNMOUNT


class SnapshotCopy(NamedTuple):
    """The copy of a VM: what was planned, the snapshot, the package, and what became of the snapshot."""

    plan: BackupPlan
    taken: SnapshotTaken
    written: PackageWritten
    removed: SnapshotRemoved


async def copy_over_snapshot(job: JobControl, run: BackupRun, names: Names) -> SnapshotCopy:
    """The seven steps; whatever fails once the freeze has begun, the guest thaws and the snapshot is removed."""
    taken: SnapshotTaken | None = None
    opened: OpenedLease | None = None
    # A process that is stopped keeps the turn for the one that goes on with the job; that raises no Exception.
    try:
        plan = await job.step_as(BackupPlan, QUIESCE, run.prepare)
    except Exception:
        await run.release_turn()
        raise
    try:
        taken = await job.step_as(SnapshotTaken, SNAPSHOT, partial(run.snapshot, plan))
        await job.step_as(StepResult, UNQUIESCE, partial(run.unquiesce, plan, taken), cleanup=True)
        opened = await job.step_as(OpenedLease, names.open, partial(run.mount, plan, taken))
        files = await _copy_disks(job, run, names.copy, plan, taken, opened)
        await run.release_turn()
        finish = partial(run.finish, plan, taken, opened, files)
        written = await job.step_as(PackageWritten, names.copy, finish, part="package")
        await job.step_as(StepResult, names.close, partial(run.unmount, taken, opened), cleanup=True)
    except Exception as error:
        await run.release_turn()
        if taken is None:
            await job.step_as(StepResult, UNQUIESCE, partial(run.thaw, plan), cleanup=True)
        await job.step_as(StepResult, names.close, partial(run.give_up, plan, opened), part=GIVE_UP, cleanup=True)
        await job.step_as(SnapshotRemoved, REMOVE, partial(run.remove, plan, error), part=GIVE_UP, cleanup=True)
        raise
    removed = await job.step_as(SnapshotRemoved, REMOVE, partial(run.remove, plan), cleanup=True)
    return SnapshotCopy(plan, taken, written, removed)


async def _copy_disks(
    job: JobControl, run: BackupRun, step: str, plan: BackupPlan, taken: SnapshotTaken, opened: OpenedLease
) -> list[CopiedFile]:
    """Copy the disks, a few at a time; each is a recorded part of the step, so a restart copies only the others."""
    lease = run.measure(plan, taken, opened)
    files: list[CopiedFile] = []
    numbers = range(len(opened.disks))
    # Batches of a recorded size start in the same order when the job is replayed, as the engine requires.
    for batch in (numbers[start : start + plan.parallel] for start in numbers[:: plan.parallel]):
        steps = [
            job.step_as(
                SavedFile if plan.save else CopiedFile,
                step,
                partial(run.save if plan.save else run.copy, plan, taken, opened, number),
                part=opened.disks[number].file,
                interruptible=True,
            )
            for number in batch
        ]
        for number, outcome in zip(batch, await asyncio.gather(*steps, return_exceptions=True), strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            lease.copied(number, outcome.size)
            files.append(outcome)
    return files
