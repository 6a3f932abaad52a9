"""Takes and removes snapshots of our own; one is known by its moref and by the job id in its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim, vmodl

from service.errors import SnapshotLeft
from service.vsphere.session import Instance, Session, read_properties
from service.vsphere.tasks import ENDED, wait_for

CREATING = ("VirtualMachine.createSnapshot", "VirtualMachine.createSnapshotEx")


class Snapshot(BaseModel):
    """A snapshot in a VM's tree."""

    model_config = ConfigDict(frozen=True)

    moref: str
    name: str
    quiesced: bool
    created_at: str


def snapshot_name(job_id: str) -> str:
    """The name that marks a snapshot as one of ours."""
    return f"vmkops {job_id}"


async def take_snapshot(session: Session, vm: str, job_id: str, *, quiesce: bool) -> Snapshot:
    """Take a snapshot of the VM `vm` (a moref) for this job, or return the one that it took before.

    A process may die between the call and its record; whoever goes on finds the snapshot by its name, after any
    creation still under way has ended, so no job ever takes two.
    """

    def ask(instance: Instance) -> Snapshot:
        machine = vim.VirtualMachine(vm, instance._stub)
        _await_creation(instance, machine)
        found = _find(instance, machine, job_id)
        if found is None:
            task = machine.CreateSnapshot_Task(
                name=snapshot_name(job_id),
                description=f"Taken by vmkops for job {job_id}; removed when the job ends.",
                memory=False,
                quiesce=quiesce,
            )
            wait_for(instance, task)
            found = _find(instance, machine, job_id)
        if found is None:
            raise SnapshotLeft("vSphere says that the snapshot was taken, but the VM's tree does not show it.")
        return found

    return await session.call(ask, limit=None)


async def remove_snapshot(session: Session, vm: str, job_id: str) -> bool:
    """Remove this job's snapshot, and nothing else, and see that it is gone; False when there was none.

    Raises SnapshotLeft when it is still in the tree afterwards.
    """

    def ask(instance: Instance) -> bool:
        machine = vim.VirtualMachine(vm, instance._stub)
        _await_creation(instance, machine)
        found = _find(instance, machine, job_id)
        if found is None:
            return False
        snapshot = vim.vm.Snapshot(found.moref, instance._stub)
        wait_for(instance, snapshot.RemoveSnapshot_Task(removeChildren=False, consolidate=True))
        if _find(instance, machine, job_id) is not None:
            raise SnapshotLeft(
                f"The snapshot {found.name!r} is still on the VM after its removal. Remove it in vCenter."
            )
        return True

    return await session.call(ask, limit=None)


def _find(instance: Instance, machine: vim.VirtualMachine, job_id: str) -> Snapshot | None:
    name = snapshot_name(job_id)
    return next((each for each in _tree(instance, machine) if each.name == name), None)


def _tree(instance: Instance, machine: vim.VirtualMachine) -> Iterator[Snapshot]:
    values = read_properties(instance, [machine], vim.VirtualMachine, ["snapshot.rootSnapshotList"])[0][1]
    waiting: list[Any] = list(values.get("snapshot.rootSnapshotList", []))
    while waiting:
        item = waiting.pop(0)
        waiting += list(item.childSnapshotList or [])
        yield Snapshot(
            moref=item.snapshot._moId,
            name=item.name,
            quiesced=bool(item.quiesced),
            created_at=item.createTime.isoformat(),
        )


def _await_creation(instance: Instance, machine: vim.VirtualMachine) -> None:
    values = read_properties(instance, [machine], vim.VirtualMachine, ["recentTask"])[0][1]
    for task in values.get("recentTask", []):
        try:
            info = read_properties(instance, [task], vim.Task, ["info"])[0][1]["info"]
            if info.descriptionId in CREATING and info.state not in ENDED:
                wait_for(instance, task)
        except vmodl.fault.ManagedObjectNotFound:
            continue
        except vim.fault.VimFault:
            continue  # a creation that failed left nothing to wait for
