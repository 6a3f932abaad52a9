"""Finds snapshots that vCenter has taken late: the call was given up, and was carried out after its job had ended."""

from __future__ import annotations

import contextlib
import logging

from service.api.models import Job, JobState
from service.errors import NotFound, VmkopsError
from service.jobs.action import Context
from service.jobs.claims import live_jobs
from service.jobs.engine import Jobs
from service.store.snapshot_ledger import LedgerRow
from service.vsphere.inventory import VMS, Vm
from service.vsphere.selectors import exact_selector, lock_key
from service.vsphere.snapshots import OURS, Snapshot, remove_one, safety_name

log = logging.getLogger(__name__)

SAFE = safety_name("")
"""What the names of snapshots begin with that are kept to go back to."""
KEPT_BY = "snapshot-create"
"""The action whose snapshot is kept."""


class LateSnapshots:
    """Looks through the inventory, which the service has at hand, so that a look costs vCenter nothing."""

    def __init__(self, context: Context, jobs: Jobs) -> None:
        self._context = context
        self._jobs = jobs

    async def look(self) -> None:
        """Put snapshots of ended backups back in the ledger, and remove the second snapshot of a snapshot-create.

        A snapshot of a backup is known by its nonce. That of a snapshot-create is removed when the job was cancelled,
        or has made another one, which its result names, once no job works on the VM any more. Raises
        VSphereUnavailable when no inventory could be read.
        """
        for vm in await self._context.vcenters.all(VMS):
            for snapshot in vm.snapshots:
                if snapshot.name.startswith(OURS):
                    await self._look_at(vm, snapshot)

    async def _look_at(self, vm: Vm, snapshot: Snapshot) -> None:
        name = snapshot.name
        job_id = name.removeprefix(SAFE if name.startswith(SAFE) else OURS).partition(" ")[0]
        row = await self._context.ledger.row(job_id)
        if row is not None and row.kept:
            if is_second(vm, snapshot, row):
                await self._remove(vm, snapshot, job_id)
            return
        if row is not None:
            is_closed = row.gone_at is not None or row.removed_at is not None
            if is_closed and (row.vcenter, row.vm) == (vm.vcenter, vm.moref) and row.nonce in snapshot.description:
                await self._context.ledger.appeared(job_id)
            return
        with contextlib.suppress(NotFound):
            job = await self._jobs.get(job_id)
            if is_unasked(vm, snapshot, job):
                await self._remove(vm, snapshot, job_id)

    async def _remove(self, vm: Vm, snapshot: Snapshot, job_id: str) -> None:
        if working := await live_jobs({lock_key("vm", vm.vcenter, vm.moref)}):
            # That job could be reverting to this snapshot, and a task of ours would make its next one fail.
            log.info("the late snapshot of job %s on %s is left for now: %s", job_id, vm.name, working[0].in_words())
            return
        session = self._context.vcenters.link(vm.vcenter).session
        try:
            if await remove_one(session, vm.moref, snapshot.moref, lambda _: None):
                log.info("snapshot of job %s that was taken late removed from %s", job_id, vm.name)
        except VmkopsError as error:
            log.warning("the snapshot of job %s that was taken late could not be removed: %s", job_id, error)


def is_second(vm: Vm, snapshot: Snapshot, row: LedgerRow) -> bool:
    """Whether a VM has this snapshot beside the one that `row` keeps: a call was given up, made again, and came late.

    Where the kept one is not there under its moref, this may be the only one, of a VM that was registered anew.
    """
    if (row.vcenter, row.vm) != (vm.vcenter, vm.moref) or row.nonce not in snapshot.description:
        return False
    return row.moref != snapshot.moref and row.moref in {each.moref for each in vm.snapshots}


def is_unasked(vm: Vm, snapshot: Snapshot, job: Job) -> bool:
    """Whether the job took the snapshot without need: it was cancelled, or has another snapshot as its result."""
    if job.action != KEPT_BY or not job.state.final or job.params.get("vm") != exact_selector(vm.vcenter, vm.moref):
        return False
    if not snapshot.description.startswith("Requested by "):
        return False
    if job.state == JobState.CANCELLED:
        return True
    result = job.result or {}
    kept = result.get("snapshot")
    is_there = kept in {each.moref for each in vm.snapshots}
    return is_there and result.get("name") == snapshot.name and kept != snapshot.moref
