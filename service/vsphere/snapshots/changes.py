"""Takes, removes and reverts to the snapshots that people ask for; each call can be repeated after a crash."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from pyVmomi import vim, vmodl

from service.errors import VmkopsError
from service.vsphere.session import Instance, Session, vm_of
from service.vsphere.snapshots.merging import DISK_FAULTS
from service.vsphere.snapshots.tree import Snapshot, find_by_name, has_snapshot
from service.vsphere.tasks import Progress, run_task

log = logging.getLogger(__name__)

CREATE = {"createSnapshot", "createSnapshotEx"}
REMOVE = {"remove", "removeSnapshot"}
REVERT = {"revert", "revertToSnapshot"}


class NewSnapshot(NamedTuple):
    """A snapshot to take: its name and description, and whether to keep the memory and to quiesce the guest."""

    name: str
    description: str
    memory: bool
    quiesce: bool


async def create_snapshot(session: Session, vm: str, new: NewSnapshot, progress: Progress) -> Snapshot | None:
    """Take a snapshot of the VM `vm` (a moref), or return the one that already has that name.

    None when vSphere reports success but the tree does not show the snapshot.
    """

    def start(instance: Instance) -> Any:
        if find_by_name(instance, vm, new.name):
            return None
        return vm_of(instance, vm).CreateSnapshot_Task(
            name=new.name, description=new.description, memory=new.memory, quiesce=new.quiesce
        )

    await run_task(session, vim.VirtualMachine, vm, start, names=CREATE, progress=progress)
    return await find_named(session, vm, new.name)


async def find_named(session: Session, vm: str, name: str) -> Snapshot | None:
    """The snapshot with exactly this name in the VM's tree."""
    return await session.call(lambda instance: find_by_name(instance, vm, name))


async def remove_one(session: Session, vm: str, moref: str, progress: Progress) -> bool:
    """Remove one snapshot, keep its children, and merge its disks; False when it was already gone.

    When a file is locked, vSphere takes the snapshot out of the tree, leaves its delta disks, and reports a failure.
    That counts as removed: `consolidate` merges the rest.
    """

    def start(instance: Instance) -> Any:
        if not has_snapshot(instance, vm, moref):
            return None
        try:
            return vim.vm.Snapshot(moref, instance._stub).RemoveSnapshot_Task(removeChildren=False, consolidate=True)
        except vmodl.fault.ManagedObjectNotFound:
            return None

    try:
        return await run_task(session, vim.VirtualMachine, vm, start, names=REMOVE, progress=progress)
    except VmkopsError as error:
        if not isinstance(error.__cause__, DISK_FAULTS) or await is_in_tree(session, vm, moref):
            raise
        log.warning("the snapshot %s is gone, but not its disks: %s", moref, error)
        return True


async def is_in_tree(session: Session, vm: str, moref: str) -> bool:
    """Whether the VM still has this snapshot."""
    return await session.call(lambda instance: has_snapshot(instance, vm, moref))


async def revert_to(session: Session, vm: str, moref: str, *, power_on: bool, since: str, progress: Progress) -> None:
    """Revert the VM to a snapshot, once: a revert that was queued since `since` (vCenter's time) is not repeated."""

    def start(instance: Instance) -> Any:
        return vim.vm.Snapshot(moref, instance._stub).RevertToSnapshot_Task(suppressPowerOn=not power_on)

    await run_task(session, vim.VirtualMachine, vm, start, names=REVERT, once_since=since, progress=progress)
