"""The snapshot that a job takes for itself and removes again, known by its moref, or by its name and a nonce."""

from __future__ import annotations

import contextlib
import logging

from pyVmomi import vim, vmodl

from service.errors import SnapshotFailed, SnapshotLeft
from service.vsphere.faults import fault_message
from service.vsphere.session import Instance, Session, vm_of
from service.vsphere.snapshots.merging import DISK_FAULTS, causes
from service.vsphere.snapshots.tree import Snapshot, has_snapshot, read_tree, safety_name, snapshot_name
from service.vsphere.tasks import ENDED, recent_tasks, wait_for

log = logging.getLogger(__name__)

TAKEN = "Taken by vmkops for job {job}; removed when the job ends."
SAFETY = "The disks before vmkops replaced them. Revert to it to go back, or remove it to keep the new disks."
"""What descriptions of snapshots begin with."""
NOT_THE_GUEST = (
    vim.fault.NoPermission,  # also NotAuthenticated
    vim.fault.NoDiskSpace,
    vim.fault.InsufficientResourcesFault,
    vim.fault.TaskInProgress,
    vim.fault.TooManySnapshotLevels,
    vmodl.fault.ManagedObjectNotFound,
    vmodl.fault.RequestCanceled,
)
"""Faults that a snapshot without quiescing would meet too; hosts report a failed freeze under many other names."""


async def take_job_snapshot(
    session: Session, vm: str, job_id: str, nonce: str, *, quiesce: bool, safety: bool = False
) -> Snapshot:
    """Take a snapshot of the VM `vm` (a moref) for this job, or return the one that the job took before.

    A `safety` snapshot is for people too, who can go back to it: its name and description say so.

    A process can die between the call and the record of it. The next one waits for snapshot tasks that still run and
    finds the snapshot by name and nonce, so that no job takes two. Raises SnapshotFailed when a quiesced snapshot fails
    for a reason that may be the guest's, and SnapshotLeft when vSphere reports success but the tree does not show the
    snapshot.
    """

    def ask(instance: Instance) -> Snapshot:
        _wait_for_snapshot_tasks(instance, vm)
        found = _find_own(instance, vm, job_id, nonce)
        if found is None:
            task = vm_of(instance, vm).CreateSnapshot_Task(
                name=safety_name(job_id) if safety else snapshot_name(job_id),
                description=f"{SAFETY if safety else TAKEN.format(job=job_id)} [{nonce}]",
                memory=False,
                quiesce=quiesce,
            )
            try:
                wait_for(instance, task)
            except vmodl.MethodFault as fault:
                if not quiesce or any(isinstance(each, NOT_THE_GUEST) for each in causes(fault)):
                    raise
                reason = fault_message(fault)
                raise SnapshotFailed(f"vSphere could not take the quiesced snapshot: {reason}") from fault
            found = _find_own(instance, vm, job_id, nonce)
        if found is None:
            raise SnapshotLeft("vSphere reports that the snapshot was taken, but the VM's tree does not show it.")
        return found

    return await session.call(ask, limit=None)


async def remove_job_snapshot(session: Session, vm: str, job_id: str, nonce: str, moref: str) -> bool:
    """Remove this job's snapshot, and nothing else, and check that it is gone; False when there was none.

    `moref` is that of the snapshot where it is recorded, and empty otherwise. A person may have renamed the snapshot.
    There are two when vCenter has carried out a call late that was given up and made again: both are removed.

    When a file is locked, vSphere takes the snapshot out of the tree, leaves its delta disks, and reports a failure.
    That counts as removed: `consolidate` merges the rest. Raises SnapshotLeft when the snapshot is still in the tree.
    """

    def ask(instance: Instance) -> bool:
        removed = False
        _wait_for_snapshot_tasks(instance, vm)
        while found := _find_own(instance, vm, job_id, nonce, moref):
            _remove(instance, vm, found, job_id)
            removed = True
        return removed

    return await session.call(ask, limit=None)


async def find_job_snapshot(session: Session, vm: str, job_id: str, nonce: str, moref: str) -> Snapshot | None:
    """This job's snapshot on the VM `vm` (a moref), once no snapshot task of the VM runs any more."""

    def ask(instance: Instance) -> Snapshot | None:
        _wait_for_snapshot_tasks(instance, vm)
        return _find_own(instance, vm, job_id, nonce, moref)

    return await session.call(ask, limit=None)


def _remove(instance: Instance, vm: str, found: Snapshot, job_id: str) -> None:
    snapshot = vim.vm.Snapshot(found.moref, instance._stub)
    try:
        wait_for(instance, snapshot.RemoveSnapshot_Task(removeChildren=False, consolidate=True))
    except DISK_FAULTS as fault:
        if has_snapshot(instance, vm, found.moref):
            raise
        log.warning("the snapshot of job %s is gone, but not its disks: %s", job_id, fault_message(fault))
    if has_snapshot(instance, vm, found.moref):
        raise SnapshotLeft(f"The snapshot {found.name!r} is still on the VM after its removal. Remove it in vCenter.")


def _find_own(instance: Instance, vm: str, job_id: str, nonce: str, moref: str = "") -> Snapshot | None:
    """The job's snapshot: the one with its moref, or, before that is recorded, with its name and its nonce."""
    names = {snapshot_name(job_id), safety_name(job_id)}

    def is_own(snapshot: Snapshot) -> bool:
        return snapshot.moref == moref or (snapshot.name in names and nonce in snapshot.description)

    return next(filter(is_own, read_tree(instance, vm)), None)


def _wait_for_snapshot_tasks(instance: Instance, vm: str) -> None:
    """Wait for snapshot tasks of the VM that still run, perhaps started by a process that died."""
    for task, info in recent_tasks(instance, vm_of(instance, vm)):
        if "snapshot" in str(info.descriptionId).lower() and info.state not in ENDED:
            # How it ended does not matter here: the tree shows what there is.
            with contextlib.suppress(vmodl.fault.ManagedObjectNotFound, vim.fault.VimFault):
                wait_for(instance, task)
