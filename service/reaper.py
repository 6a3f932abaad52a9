"""Ends what a dead job left: our snapshots by the ledger, half packages, half-made VMs; nothing else."""

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
from service.errors import NotConfigured, NotFound, VmkopsError
from service.jobs.action import Context
from service.jobs.engine import Jobs
from service.packages.folder import PARTIAL, discard
from service.store.snapshot_ledger import LedgerRow
from service.vsphere.importing import maker, remove_made
from service.vsphere.inventory import VMS, Vm
from service.vsphere.snapshots import remove_snapshot

log = logging.getLogger(__name__)

UNDONE = {JobState.FAILED, JobState.CANCELLED}
THEIRS = "Delete it in vCenter, or keep it and delete the mark of the job in its notes."
CLAIM = timedelta(days=1)
"""How long after its job has ended a half-made VM is taken for nobody else's."""


class Reaper:
    """Looks at every open row of the ledger whose job is over; `report` says what it could not end."""

    def __init__(self, context: Context, jobs: Jobs) -> None:
        self._context = context
        self._jobs = jobs
        self._left: list[dict[str, str]] = []
        self._vms_left: list[dict[str, str]] = []

    def report(self) -> dict[str, Any]:
        """The snapshots of ours and the half-made VMs that dead jobs left and that could not be removed yet."""
        return {"snapshots_left": self._left, "vms_left": self._vms_left}

    async def sweep(self) -> None:
        """One look; an error with one row does not keep it from the next."""
        left = []
        for row in await self._context.ledger.open_rows():
            if await self._live(row.job):
                continue
            trouble = await self._end(row)
            if trouble:
                left.append({"vm": row.vm_name, "job": row.job, "since": row.created_at, "trouble": trouble})
                log.warning("a snapshot of job %s is still on %s: %s", row.job, row.vm_name, trouble)
        self._left = left
        for folder in await asyncio.to_thread(_half_packages, self._context.settings):
            if not await self._live(folder.name.removesuffix(PARTIAL)):
                await asyncio.to_thread(discard, folder)
                log.info("half package removed: %s", folder)
        self._vms_left = await self._end_vms()

    async def _live(self, job_id: str) -> bool:
        job = await self._job(job_id)
        return job is not None and not job.state.final

    async def _job(self, job_id: str) -> Job | None:
        with contextlib.suppress(NotFound):
            return await self._jobs.get(job_id)
        return None

    async def _end_vms(self) -> list[dict[str, str]]:
        vcenters, left = self._context.vcenters, []
        for vm in await vcenters.all(VMS):
            job = await self._job(maker(vm.notes)) if maker(vm.notes) else None
            if job is None or job.state not in UNDONE:
                continue
            trouble = why_not_remove(vm, job, datetime.now(UTC))
            if not trouble:
                try:
                    await remove_made(vcenters.link(vm.vcenter).session, job.id)
                    log.info("half-made VM %s of job %s removed", vm.name, job.id, extra={"job": job.id})
                    continue
                except VmkopsError as error:
                    trouble = str(error)
            left.append({"vm": vm.name, "job": job.id, "since": job.finished_at or "", "trouble": trouble})
            log.warning("the VM %s that job %s has left half made is still there: %s", vm.name, job.id, trouble)
        return left

    async def _end(self, row: LedgerRow) -> str:
        ledger = self._context.ledger
        try:
            session = self._context.vcenters.link(row.vcenter).session
        except NotFound as error:  # its table was taken out of the settings
            return str(error)
        try:
            removed = await remove_snapshot(session, row.vm, row.job, row.nonce)
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
    """Why a VM that a job which did not succeed has left is not ours to remove any more; empty when it is."""
    if vm.power_state != "poweredOff":
        return f"It is {vm.power_state}, so somebody uses it. {THEIRS}"
    if job.finished_at is None or now - datetime.fromisoformat(job.finished_at) > CLAIM:
        return f"It is left for long, so somebody may use it. {THEIRS}"
    return ""


@contextlib.asynccontextmanager
async def reaping(reaper: Reaper, every: float) -> AsyncIterator[None]:
    """Sweep at once and then every so many seconds, for as long as the block runs."""

    async def sweep() -> None:
        while True:
            try:
                await reaper.sweep()
            except NotConfigured:
                log.debug("no vCenter is set, so only half packages are swept")
            except VmkopsError as error:
                log.warning("the sweep failed; it is tried again in %g seconds: %s", every, error)
            except Exception:
                log.exception("the sweep failed; it is tried again in %g seconds", every)
            await asyncio.sleep(every)

    timer = asyncio.create_task(sweep())
    try:
        yield
    finally:
        timer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await timer


def _half_packages(settings: Settings) -> list[Path]:
    """Folders that a job writes to, each with the job's id for its name: backups, exports, and what imports fetch."""
    kept = (settings.backups_dir, settings.exports_dir)
    return [
        *sorted(each for folder in kept for each in folder.glob(f"*/*{PARTIAL}")),
        *settings.downloads_dir.glob("*"),
    ]
