"""Removes the snapshot of a backup and merges its disks; what stays is in the ledger, for the reaper."""

from __future__ import annotations

from collections.abc import Callable

from service.backups.plan import SnapshotRemoved
from service.errors import ConsolidationFailed, JobCancelled, NotFound, SnapshotLeft, VmkopsError
from service.retry import attempts, retry
from service.store.snapshot_ledger import SnapshotLedger
from service.transfer.export_lease import RETRY_SECONDS
from service.vsphere.session import Session
from service.vsphere.snapshots import consolidate, remove_job_snapshot, safety_name, snapshot_name

CONSOLIDATIONS = 3
"""How often the job asks vSphere to merge the disks; after that, the reaper goes on for hours."""
RESTORE = "restore"
"""What a job does whose snapshot is one to go back to."""
NOT_MERGED = "vSphere still asks for consolidation."


class Removal:
    """What a job does to remove its snapshot from one VM (a moref); `what` the job does is for its words."""

    def __init__(self, ledger: SnapshotLedger, session: Session, vm: str, job: str, what: str = "backup") -> None:
        self._what = what
        self._ledger = ledger
        self._session = session
        self._vm = vm
        self._job = job

    async def merge_earlier(self, say: Callable[[str], None]) -> None:
        """Merge what earlier backups of the VM left; raises ConsolidationFailed when that is still impossible.

        `say` gets what takes so long, and an empty text at the end.
        """
        for row in await self._ledger.unmerged(self._session.vcenter.name, self._vm):
            say(f"merging the disks that the backup of job {row.job} left; that may take hours")
            if not await self._consolidate():
                raise ConsolidationFailed(NOT_MERGED)
            await self._ledger.merged(row.job)
            say("")

    async def remove(self, name: str, cause: Exception | None = None) -> SnapshotRemoved:
        """Remove the snapshot, check that it is gone, and merge its disks; raises SnapshotLeft when it stays.

        `name` is the VM's, and `cause` why the backup failed, for the words of that error.
        """
        row = await self._ledger.row(self._job)
        if row is None:
            return SnapshotRemoved(removed=True, consolidated=True, detail="no snapshot was taken")
        try:
            removed = await retry(
                lambda: remove_job_snapshot(self._session, self._vm, self._job, row.nonce, row.moref),
                seconds=RETRY_SECONDS,
            )
            await self._ledger.gone(self._job)
        except NotFound:
            await self._ledger.merged(self._job)
            return SnapshotRemoved(removed=True, consolidated=True, detail="the VM is gone, and its snapshots with it")
        except VmkopsError as error:
            await self._ledger.trouble(self._job, str(error))
            raise SnapshotLeft(_why_left(self._what, name, self._job, cause, error)) from error
        gone = "removed" if removed else "there was no snapshot to remove"
        if why := await self._merge():
            await self._ledger.not_merged(self._job, why)
            detail = f"{gone}, but its disks are not merged: {why} vmkops tries again for hours and reports it."
            return SnapshotRemoved(removed=True, consolidated=False, detail=detail)
        await self._ledger.merged(self._job)
        return SnapshotRemoved(removed=True, consolidated=True, detail=gone)

    async def _merge(self) -> str:
        """Let vSphere merge what the removal left; why it did not, empty when all is merged."""
        try:
            merged = await attempts(self._consolidate, times=CONSOLIDATIONS, of=ConsolidationFailed, until=bool)
        except VmkopsError as error:
            return str(error)
        return "" if merged else NOT_MERGED

    async def _consolidate(self) -> bool:
        return await retry(lambda: consolidate(self._session, self._vm), seconds=RETRY_SECONDS)


def _why_left(what: str, vm: str, job: str, cause: Exception | None, error: VmkopsError) -> str:
    first = "The"
    if isinstance(cause, JobCancelled):
        first = "The job was cancelled, and its"
    elif cause is not None:
        first = f"The {what} failed ({cause}), and its"
    name = safety_name(job) if what == RESTORE else snapshot_name(job)
    return (
        f"{first} snapshot {name!r} on {vm} could not be removed: {error} vmkops tries again by itself; "
        "until then the VM's delta disk grows."
    )
