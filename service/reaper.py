"""Removes what failed or dead jobs left, such as leases, snapshots, packages and VMs, and mounts that have expired."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from service.api.models import Job, JobState
from service.api.settings import Settings
from service.api.words import vsphere_words
from service.background import cancel_and_wait, every
from service.backups.late import LateSnapshots
from service.backups.left_disks import LeftDisks
from service.backups.mounts import MountLeases
from service.errors import NotConfigured, NotFound, VmkopsError, VSphereUnavailable
from service.jobs.action import Context
from service.jobs.engine import Jobs
from service.packages.folder import PARTIAL, discard
from service.retry import pause
from service.store.audit import Audit
from service.store.snapshot_ledger import LedgerRow
from service.store.stale_files import remove_stale_files
from service.vsphere.importing import maker, remove_made
from service.vsphere.inventory import VMS, Vm
from service.vsphere.nfc import abort_lease
from service.vsphere.snapshots import consolidate, remove_job_snapshot

log = logging.getLogger(__name__)

UNFINISHED = {JobState.FAILED, JobState.CANCELLED}
MADE_NAMES = {
    "restore-drill": ("-drill",),
    "restore": ("-restoring", "-restored"),
    "restore-disk": ("-restoring",),
}
"""How the names of the VMs that these actions make end, before the beginning of the job's id."""
PASSING = {"restore-drill": "-drill", "restore": "-restoring", "restore-disk": "-restoring"}
"""Actions that make a VM only for a while, and how the names of these VMs end, before the beginning of the job's id."""
ASK = "Somebody has to look at it: free the file, then start the action consolidate. vmkops goes on trying."
BY_HAND = "Delete it in vCenter, or keep it and delete the line 'vmkops job ...' from its notes."
MERGE_PAUSES = (1, 2, 4, 8, 16)
"""Pauses between the attempts to merge the disks of a VM, in sweeps (VMKOPS_REAP_SECONDS); the last one is repeated."""
TELL_AFTER = 6
"""How many failed merges it takes until a person is told: with the usual sweeps, that is after two and a half hours."""
TIDY_SECONDS = 24 * 3600
"""Time between two looks at every folder of the data directory."""
CLAIM = timedelta(days=1)
"""How long after the end of its job an unfinished VM may be removed; later, somebody may have started to use it."""


class Reaper:
    """Sweeps up what jobs that have ended left; `report` has what could not be removed yet."""

    def __init__(self, context: Context, jobs: Jobs, audit: Audit) -> None:
        self._context = context
        self._jobs = jobs
        self._left: list[dict[str, str]] = []
        self._vms_left: list[dict[str, str]] = []
        self._unmerged: list[dict[str, str]] = []
        self._disks_left: list[dict[str, str]] = []
        self._late = LateSnapshots(context, jobs)
        self._left_disks = LeftDisks(context, jobs)
        self._tidy_at = 0.0
        self._mounts = MountLeases(context, jobs, audit)
        self._merging: dict[str, asyncio.Task[None]] = {}

    def report(self) -> dict[str, Any]:
        """What could not be cleaned up yet, as found by the last sweep.

        The keys are `snapshots_left`, `unmerged`, `vms_left` and `disks_left`. `unmerged` has the VMs whose snapshot is
        gone and whose disks vSphere could not merge. Each list has dictionaries with `vm` (its name, with its vCenter's
        when there are several), `job`, `since` (RFC 3339) and `trouble`, the reason; those of `disks_left` have the
        datastore path `file` too.
        """
        return {
            "snapshots_left": self._left,
            "unmerged": self._unmerged,
            "vms_left": self._vms_left,
            "disks_left": self._disks_left,
        }

    async def stop(self) -> None:
        """Stop waiting for merges; vSphere goes on with them, and the next process finds them."""
        for task in tuple(self._merging.values()):
            await cancel_and_wait(task)

    async def sweep(self) -> None:
        """Look once at everything; an error with one snapshot or VM does not stop the sweep.

        Raises NotConfigured without a vCenter, and VSphereUnavailable when no inventory could be read.
        """
        if time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + TIDY_SECONDS
            await asyncio.to_thread(remove_stale_files, self._context.settings)
        await self._end_leases()
        for job in await self._context.copy_slots.jobs():
            if not await self._live(job):
                await self._context.copy_slots.release(job)
        with contextlib.suppress(NotConfigured, VSphereUnavailable):  # the ledger is looked at all the same
            await self._late.look()
        await self._end_snapshots()
        for folder in await asyncio.to_thread(_unfinished_packages, self._context.settings):
            if not await self._live(folder.name.removesuffix(PARTIAL)):
                try:
                    await asyncio.to_thread(discard, folder)
                    log.info("unfinished package removed: %s", folder)
                except OSError as error:
                    log.warning("the unfinished package %s cannot be removed: %s", folder, error.strerror)
        await self._mounts.sweep()
        self._disks_left = await self._left_disks.sweep()
        self._vms_left = await self._remove_vms()

    async def _end_snapshots(self) -> None:
        """Remove the snapshots that jobs have left, and have vSphere merge their disks."""
        left, unmerged = [], []
        for job in [row.job for row in await self._context.ledger.open_rows()]:
            if await self._live(job):
                continue
            # Read after the end of the job, which may have kept its snapshot at the last moment.
            row = await self._context.ledger.row(job)
            if row is None or row.removed_at is not None:
                continue
            trouble = "" if row.gone_at else await self._remove_snapshot(row)
            if trouble:
                left.append(self._reported(row, trouble))
                log.warning("a snapshot of job %s is still on %s: %s", row.job, self._shown(row), trouble)
            else:
                self._start_merge(row)
                if row.trouble and row.gone_at:
                    unmerged.append(self._reported(row, row.trouble))
        self._left, self._unmerged = left, unmerged

    async def _end_leases(self) -> None:
        """Abort the leases of jobs that have ended: a VM with an open lease can be neither started nor removed."""
        for row in await self._context.leases.rows():
            if await self._live(row.job):
                continue
            try:
                await abort_lease(self._context.vcenters.link(row.vcenter).session, row.lease)
            except NotFound:
                log.debug("vCenter %s was removed from the settings", row.vcenter)
            except VmkopsError as error:
                log.warning("a lease of job %s could not be ended: %s", row.job, error)
                continue
            await self._context.leases.of_job(row.job, row.vcenter).ended(row.lease)

    async def _live(self, job_id: str) -> bool:
        job = await self._job(job_id)
        return job is not None and not job.state.final

    async def _job(self, job_id: str) -> Job | None:
        with contextlib.suppress(NotFound):
            return await self._jobs.get(job_id)
        return None

    async def _remove_vms(self) -> list[dict[str, str]]:
        vcenters, left = self._context.vcenters, []
        for vm in await vcenters.all(VMS):
            job = await self._job(maker(vm.notes)) if maker(vm.notes) else None
            if job is None or not (is_unfinished(vm, job) or is_passing(vm, job)):
                continue
            trouble = why_not_remove(vm, job, datetime.now(UTC))
            if not trouble:
                try:
                    await remove_made(vcenters.link(vm.vcenter).session, job.id, vm.name, vm.moref)
                    log.info("unfinished VM %s of job %s removed", vm.name, job.id, extra={"job": job.id})
                    continue
                except VmkopsError as error:
                    trouble = str(error)
            name = vcenters.shown(vm.vcenter, vm.name)
            left.append({"vm": name, "job": job.id, "since": job.finished_at or "", "trouble": trouble})
            log.warning("the unfinished VM %s of job %s could not be removed: %s", name, job.id, trouble)
        return left

    async def _remove_snapshot(self, row: LedgerRow) -> str:
        ledger = self._context.ledger
        try:
            session = self._context.vcenters.link(row.vcenter).session
        except NotFound as error:  # the vCenter was removed from the settings
            return str(error)
        try:
            removed = await remove_job_snapshot(session, row.vm, row.job, row.nonce, row.moref)
        except NotFound:
            removed = False
        except VmkopsError as error:
            await ledger.trouble(row.job, str(error))
            return str(error)
        await ledger.gone(row.job)
        if removed:
            log.info("snapshot of job %s removed from %s", row.job, row.vm_name, extra={"job": row.job})
        return ""

    def _start_merge(self, row: LedgerRow) -> None:
        """Let vSphere merge the disks, unless that runs or is not due yet. It may take hours: the sweep goes on."""
        is_due = not row.next_at or datetime.fromisoformat(row.next_at) <= datetime.now(UTC)
        if (is_due or self._was_merged(row)) and row.job not in self._merging:
            task = asyncio.create_task(self._merge(row))
            self._merging[row.job] = task
            task.add_done_callback(lambda _: self._merging.pop(row.job, None))

    def _was_merged(self, row: LedgerRow) -> bool:
        """Whether the inventory shows that somebody else has merged the disks meanwhile."""
        with contextlib.suppress(NotFound):
            found = self._context.vcenters.link(row.vcenter).inventory.find(VMS, "moref", row.vm)
            return bool(found) and not found[0].consolidation_needed
        return False

    async def _merge(self, row: LedgerRow) -> None:
        ledger = self._context.ledger
        try:
            session = self._context.vcenters.link(row.vcenter).session
            trouble = "" if await consolidate(session, row.vm) else "vSphere still asks for consolidation."
        except NotFound:  # the VM is gone, or the vCenter was removed from the settings
            trouble = ""
        except VmkopsError as error:
            trouble = str(error)
        if not trouble:
            await ledger.merged(row.job)
            log.info("the disks of %s are merged", self._shown(row), extra={"job": row.job})
            return
        failures = row.failures + 1
        wait = timedelta(seconds=self._context.settings.reap_seconds * pause(failures, MERGE_PAUSES))
        await ledger.not_merged(row.job, trouble, datetime.now(UTC) + wait)
        log.warning("the disks of %s are not merged: %s", self._shown(row), trouble, extra={"job": row.job})
        if failures == TELL_AFTER:
            note = f"The disks of {self._shown(row)} are still not merged after {failures} attempts: {trouble} {ASK}"
            log.error(note, extra={"job": row.job})
            with contextlib.suppress(NotFound):
                await self._jobs.note(row.job, note)

    def _reported(self, row: LedgerRow, trouble: str) -> dict[str, str]:
        return {"vm": self._shown(row), "job": row.job, "since": row.created_at, "trouble": trouble}

    def _shown(self, row: LedgerRow) -> str:
        return self._context.vcenters.shown(row.vcenter, row.vm_name)


def is_unfinished(vm: Vm, job: Job) -> bool:
    """Whether a job that has failed or was cancelled made this VM: it has the name that the job gives it.

    A clone of it has the same mark in its notes and another name.
    """
    ends = [f"{suffix}-{job.id[:8]}" for suffix in MADE_NAMES.get(job.action, ())]
    chosen = job.params.get("name")
    return job.state in UNFINISHED and (vm.name == chosen or vm.name.endswith(tuple(ends)))


def is_passing(vm: Vm, job: Job) -> bool:
    """Whether a job that has ended made this VM only for a while, and always removes it: vCenter has made it late.

    The VM has the name that the job gives it. A clone of it has the same mark in its notes and another name.
    """
    suffix = PASSING.get(job.action)
    return suffix is not None and job.state.final and vm.name.endswith(f"{suffix}-{job.id[:8]}")


def why_not_remove(vm: Vm, job: Job, now: datetime) -> str:
    """Why an unfinished VM may not be removed: someone may use it; empty when it may."""
    if vm.power_state != "poweredOff":
        return f"It is {vsphere_words(vm.power_state)}, so somebody uses it. {BY_HAND}"
    if job.finished_at is None or now - datetime.fromisoformat(job.finished_at) > CLAIM:
        return f"Its job ended more than a day ago, so somebody may use it. {BY_HAND}"
    return ""


@contextlib.asynccontextmanager
async def reaping(reaper: Reaper, seconds: float) -> AsyncIterator[None]:
    """Sweep at once and then every `seconds`, for as long as the block runs."""

    async def sweep() -> None:
        try:
            await reaper.sweep()
        except NotConfigured:
            log.debug("no vCenter is set, so the sweep only removes unfinished packages")
        except VmkopsError as error:
            log.warning("the sweep failed; next attempt in %g seconds: %s", seconds, error)

    try:
        async with every(seconds, sweep, name="the sweep"):
            yield
    finally:
        await reaper.stop()


def _unfinished_packages(settings: Settings) -> list[Path]:
    """The folders that jobs write backups, exports and downloads to, each named by its job."""
    kept = (settings.backups_dir, settings.exports_dir)
    return [
        *sorted(each for folder in kept for each in folder.glob(f"*/*{PARTIAL}")),
        *settings.downloads_dir.glob("*"),
    ]
