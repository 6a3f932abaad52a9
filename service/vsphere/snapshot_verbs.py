"""Takes, removes and goes back to a snapshot that a person asked for; each can be done again after a crash."""

from __future__ import annotations

from typing import Any, NamedTuple

from pyVmomi import vim, vmodl

from service.vsphere.session import Instance, Session, read_properties
from service.vsphere.snapshots import Snapshot, snapshot_tree
from service.vsphere.task_runs import carry_out
from service.vsphere.tasks import Progress
from service.vsphere.vms import vm_of

CREATE = {"createSnapshot", "createSnapshotEx"}
REMOVE = {"remove", "removeSnapshot"}
REVERT = {"revert", "revertToSnapshot"}


class Kept(NamedTuple):
    """What a snapshot is to hold besides the disks, and how it is called."""

    name: str
    description: str
    memory: bool
    quiesce: bool


async def create_snapshot(session: Session, vm: str, kept: Kept, progress: Progress) -> Snapshot | None:
    """Take a snapshot of the VM `vm` (a moref), or give the one of that very name; None when it does not show."""

    def begin(instance: Instance) -> Any:
        if _named(instance, vm, kept.name):
            return None
        return vm_of(instance, vm).CreateSnapshot_Task(
            name=kept.name, description=kept.description, memory=kept.memory, quiesce=kept.quiesce
        )

    await carry_out(session, lambda instance: vm_of(instance, vm), begin, names=CREATE, progress=progress)
    return await find_named(session, vm, kept.name)


async def find_named(session: Session, vm: str, name: str) -> Snapshot | None:
    """The snapshot of exactly this name in the VM's tree."""
    return await session.call(lambda instance: _named(instance, vm, name))


async def remove_one(session: Session, vm: str, moref: str, progress: Progress) -> bool:
    """Remove one snapshot, keeping its children, and merge its disks; False when it was gone already."""

    def begin(instance: Instance) -> Any:
        if not _has(instance, vm, moref):
            return None
        try:
            return vim.vm.Snapshot(moref, instance._stub).RemoveSnapshot_Task(removeChildren=False, consolidate=True)
        except vmodl.fault.ManagedObjectNotFound:
            return None

    return await carry_out(session, lambda instance: vm_of(instance, vm), begin, names=REMOVE, progress=progress)


async def is_in_tree(session: Session, vm: str, moref: str) -> bool:
    """Whether the VM still has this snapshot."""
    return await session.call(lambda instance: _has(instance, vm, moref))


async def revert_to(session: Session, vm: str, moref: str, *, power_on: bool, since: str, progress: Progress) -> None:
    """Go back to a snapshot, once: a revert that was begun after `since` (vCenter's time) is not repeated."""

    def begin(instance: Instance) -> Any:
        return vim.vm.Snapshot(moref, instance._stub).RevertToSnapshot_Task(suppressPowerOn=not power_on)

    await carry_out(
        session, lambda instance: vm_of(instance, vm), begin, names=REVERT, once_since=since, progress=progress
    )


def _tree(instance: Instance, vm: str) -> list[Snapshot]:
    wanted = ["snapshot.rootSnapshotList"]
    values = read_properties(instance, [vm_of(instance, vm)], vim.VirtualMachine, wanted)[0][1]
    return list(snapshot_tree(list(values.get("snapshot.rootSnapshotList", []))))


def _named(instance: Instance, vm: str, name: str) -> Snapshot | None:
    return next((each for each in _tree(instance, vm) if each.name == name), None)


def _has(instance: Instance, vm: str, moref: str) -> bool:
    return any(each.moref == moref for each in _tree(instance, vm))
