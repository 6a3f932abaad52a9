"""Removes what failed or dead jobs left: copy slots, snapshots in the ledger, unfinished packages and VMs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from service.api.models import Job, JobState
from service.api.settings import Settings
from service.background import every
from service.errors import NotConfigured, NotFound, VmkopsError
from service.jobs.action import Context
from service.jobs.engine import Jobs
from service.packages.folder import PARTIAL, discard
from service.store.snapshot_ledger import LedgerRow
from service.vsphere.importing import maker, remove_made
from service.vsphere.inventory import VMS, Vm
from service.vsphere.snapshots import remove_job_snapshot

log = logging.getLogger(__name__)

UNFINISHED = {JobState.FAILED, JobState.CANCELLED}
BY_HAND = "Delete it in vCenter, or keep it and delete the line 'vmkops job ...' from its notes."
CLAIM = timedelta(days=1)
"""How long after the end of its job an unfinished VM may be removed; later, somebody may have started to use it."""


class Reaper:
    """Sweeps up what jobs that have ended left; `report` has what could not be removed yet."""

    def __init__(self, context: Context, jobs: Jobs) -> None:
        self._context = context
        self._jobs = jobs
        self._left: list[dict[str, str]] = []
        self._vms_left: list[dict[str, str]] = []

    def report(self) -> dict[str, Any]:
        """What could not be removed yet: `snapshots_left` and `vms_left`, as found by the last sweep.

        Both list dictionaries with `vm` (its name), `job`, `since` (RFC 3339) and `trouble`, the reason.
        """
        return {"snapshots_left": self._left, "vms_left": self._vms_left}

    async def sweep(self) -> None:
        """Look once at everything; an error with one snapshot or VM does not stop the sweep.

        Raises NotConfigured without a vCenter, and VSphereUnavailable when no inventory could be read.
        """
        for job in await self._context.copy_slots.jobs():
            if not await self._live(job):
                await self._context.copy_slots.release(job)
        left = []
        for row in await self._context.ledger.open_rows():
            if await self._live(row.job):
                continue
            trouble = await self._remove_snapshot(row)
            if trouble:
                left.append({"vm": row.vm_name, "job": row.job, "since": row.created_at, "trouble": trouble})
                log.warning("a snapshot of job %s is still on %s: %s", row.job, row.vm_name, trouble)
        self._left = left
        for folder in await asyncio.to_thread(_unfinished_packages, self._context.settings):
            if not await self._live(folder.name.removesuffix(PARTIAL)):
                await asyncio.to_thread(discard, folder)
                log.info("unfinished package removed: %s", folder)
        self._vms_left = await self._remove_vms()

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
            if job is None or job.state not in UNFINISHED:
                continue
            trouble = why_not_remove(vm, job, datetime.now(UTC))
            if not trouble:
                try:
                    await remove_made(vcenters.link(vm.vcenter).session, job.id)
                    log.info("unfinished VM %s of job %s removed", vm.name, job.id, extra={"job": job.id})
                    continue
                except VmkopsError as error:
                    trouble = str(error)
            left.append({"vm": vm.name, "job": job.id, "since": job.finished_at or "", "trouble": trouble})
            log.warning("the unfinished VM %s of job %s could not be removed: %s", vm.name, job.id, trouble)
        return left

    async def _remove_snapshot(self, row: LedgerRow) -> str:
        ledger = self._context.ledger
        try:
            session = self._context.vcenters.link(row.vcenter).session
        except NotFound as error:  # the vCenter was removed from the settings
            return str(error)
        try:
            removed = await remove_job_snapshot(session, row.vm, row.job, row.nonce)
        except NotFound:
            removed = False
        except VmkopsError as error:
            await ledger.trouble(row.job, str(error))
            return str(error)
        await ledger.removed(row.job)
        if removed:
            log.info("snapshot of job %s removed from %s", row.job, row.vm_name, extra={"job": row.job})
        return ""


def why_not_remove(vm: Vm, job: Job, now: datetime) -> str:
    """Why an unfinished VM may not be removed: someone may use it; empty when it may."""
    if vm.power_state != "poweredOff":
        return f"It is {vm.power_state}, so somebody uses it. {BY_HAND}"
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

    async with every(seconds, sweep, name="the sweep"):
        yield


def _unfinished_packages(settings: Settings) -> list[Path]:
    """The folders that jobs write backups, exports and downloads to, each named by its job."""
    kept = (settings.backups_dir, settings.exports_dir)
    return [
        *sorted(each for folder in kept for each in folder.glob(f"*/*{PARTIAL}")),
        *settings.downloads_dir.glob("*"),
    ]
