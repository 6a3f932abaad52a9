"""Deletes the disk files that a restore has brought to a datastore, and that no VM got before the job ended."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from service.api.models import Job, JobState
from service.errors import NotFound, VmkopsError
from service.jobs.action import Context
from service.jobs.engine import Jobs
from service.store.disk_ledger import DiskRow
from service.vsphere.disk_files import delete_disk, find_disk, users_of

log = logging.getLogger(__name__)

CLAIM = timedelta(days=1)
"""How long after the end of its job a file may be deleted; later, somebody may have plans for it."""
FORGET = timedelta(days=30)
"""When a file that a VM has is no longer looked after: it belongs to that VM."""
BY_HAND = "Delete it in vCenter when nobody needs it."


class LeftDisks:
    """Looks after the rows of jobs that have ended."""

    def __init__(self, context: Context, jobs: Jobs) -> None:
        self._context = context
        self._jobs = jobs

    async def sweep(self) -> list[dict[str, str]]:
        """Delete what nobody can need; the rest as dictionaries with `vm`, `job`, `since`, `file` and `trouble`.

        A file is deleted only while no VM has it or had it since the end of the job, and within a day of that end.
        """
        left = []
        for listed in await self._context.disks.rows():
            job = await self._job(listed.job)
            if job is not None and not job.state.final:
                continue
            # Read after the end of the job, which may have said at the last moment that somebody needs the file.
            row = await self._context.disks.row(listed.job, listed.number)
            if row is None:
                continue
            try:
                file, trouble = await self._look_at(row, job)
            except VmkopsError as error:
                file, trouble = row.target, str(error)
            if trouble:
                await self._context.disks.trouble(row, trouble)
                name = self._context.vcenters.shown(row.vcenter, row.vm_name)
                left.append({"vm": name, "job": row.job, "since": row.created_at, "file": file, "trouble": trouble})
                log.warning("the disk file %s of job %s is left: %s", file, row.job, trouble)
        return left

    async def _look_at(self, row: DiskRow, job: Job | None) -> tuple[str, str]:
        """The file, and why it stays; both are empty when it is gone, or when a VM has it."""
        ledger, session = self._context.disks, self._context.vcenters.link(row.vcenter).session
        found = [file for file in row.files if await find_disk(session, row.datacenter, file)]
        if not found or (job is not None and job.state == JobState.SUCCEEDED):
            await ledger.settled(row.job, row.number)
            return "", ""
        for file in found:
            users = await users_of(session, row.datacenter, file)
            if any(user.job == row.job for user in users):
                return "", ""  # the temporary VM, which the sweep removes with its files
            if users:
                await self._used(row)
                return "", ""
            if why := why_not_delete(row, job, datetime.now(UTC)):
                return file, why
            await delete_disk(session, row.datacenter, file)
            log.info("disk file %s of job %s deleted", file, row.job, extra={"job": row.job})
        await ledger.settled(row.job, row.number)
        return "", ""

    async def _used(self, row: DiskRow) -> None:
        if row.used_at is None:
            await self._context.disks.used(row)
        elif datetime.now(UTC) - datetime.fromisoformat(row.used_at) > FORGET:
            await self._context.disks.settled(row.job, row.number)

    async def _job(self, job_id: str) -> Job | None:
        try:
            return await self._jobs.get(job_id)
        except NotFound:
            return None


def why_not_delete(row: DiskRow, job: Job | None, now: datetime) -> str:
    """Why a file that no VM has may not be deleted: somebody may need it; empty when it may."""
    if row.used_at is not None:
        return f"A VM had it after the job, and none has it now. {BY_HAND}"
    if job is None or job.finished_at is None or now - datetime.fromisoformat(job.finished_at) > CLAIM:
        return f"Its job ended more than a day ago, and no VM has it. {BY_HAND}"
    return ""
