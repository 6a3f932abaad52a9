"""Takes and removes snapshots of our own; one is known by its moref and by the job id in its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim, vmodl

from service.errors import SnapshotLeft
from service.vsphere.session import Instance, Session, read_properties
from service.vsphere.tasks import ENDED, wait_for

PRODUCTS = {
    "Consolidate Helper": "VMware, merging disks",
    "_VCB-BACKUP_": "VMware Consolidated Backup",
    "VEEAM BACKUP TEMPORARY SNAPSHOT": "Veeam",
    "ghettoVCB-snapshot": "ghettoVCB",
    "VCB|": "a backup product over VCB",
    "__GX_BACKUP__": "Commvault",
    "NBU_SNAPSHOT": "NetBackup",
    "TSM-VM": "IBM Spectrum Protect",
    "NAKIVO": "NAKIVO",
}
"""The beginnings of the names that products give, and the products."""


class Snapshot(BaseModel):
    """A snapshot in a VM's tree; `depth` is 1 for a root."""

    model_config = ConfigDict(frozen=True)

    moref: str
    name: str
    description: str
    quiesced: bool
    created_at: str
    depth: int

    @property
    def product(self) -> str:
        """The other product that made it and still owns it, or nothing."""
        lowered = self.name.lower()
        return next((product for start, product in PRODUCTS.items() if lowered.startswith(start.lower())), "")


def snapshot_name(job_id: str) -> str:
    """The name that marks a snapshot as one of ours."""
    return f"vmkops {job_id}"


async def take_snapshot(session: Session, vm: str, job_id: str, nonce: str, *, quiesce: bool) -> Snapshot:
    """Take a snapshot of the VM `vm` (a moref) for this job, or return the one that it took before.

    A process may die between the call and its record; whoever goes on finds the snapshot by name and nonce, after
    any snapshot task still under way has ended, so no job ever takes two.
    """

    def ask(instance: Instance) -> Snapshot:
        machine = vim.VirtualMachine(vm, instance._stub)
        _await_tasks(instance, machine)
        found = _own(instance, machine, job_id, nonce)
        if found is None:
            task = machine.CreateSnapshot_Task(
                name=snapshot_name(job_id),
                description=f"Taken by vmkops for job {job_id}; removed when the job ends. [{nonce}]",
                memory=False,
                quiesce=quiesce,
            )
            wait_for(instance, task)
            found = _own(instance, machine, job_id, nonce)
        if found is None:
            raise SnapshotLeft("vSphere says that the snapshot was taken, but the VM's tree does not show it.")
        return found

    return await session.call(ask, limit=None)


async def remove_snapshot(session: Session, vm: str, job_id: str, nonce: str) -> bool:
    """Remove this job's snapshot, and nothing else, and see that it is gone; False when there was none.

    Raises SnapshotLeft when it is still in the tree afterwards.
    """

    def ask(instance: Instance) -> bool:
        machine = vim.VirtualMachine(vm, instance._stub)
        _await_tasks(instance, machine)
        found = _own(instance, machine, job_id, nonce)
        if found is None:
            return False
        snapshot = vim.vm.Snapshot(found.moref, instance._stub)
        wait_for(instance, snapshot.RemoveSnapshot_Task(removeChildren=False, consolidate=True))
        if _own(instance, machine, job_id, nonce) is not None:
            raise SnapshotLeft(
                f"The snapshot {found.name!r} is still on the VM after its removal. Remove it in vCenter."
            )
        return True

    return await session.call(ask, limit=None)


async def consolidate(session: Session, vm: str) -> bool:
    """Merge what a removal left behind, if vSphere says that it must be; True when nothing is left to merge."""

    def ask(instance: Instance) -> bool:
        machine = vim.VirtualMachine(vm, instance._stub)
        if not _needs_consolidation(instance, machine):
            return True
        wait_for(instance, machine.ConsolidateVMDisks_Task())
        return not _needs_consolidation(instance, machine)

    return await session.call(ask, limit=None)


def snapshot_tree(roots: list[Any]) -> Iterator[Snapshot]:
    """Every snapshot of a tree, parents first, from the value of `snapshot.rootSnapshotList`."""
    waiting: list[tuple[Any, int]] = [(item, 1) for item in roots]
    while waiting:
        item, depth = waiting.pop(0)
        waiting += [(child, depth + 1) for child in item.childSnapshotList or []]
        yield Snapshot(
            moref=item.snapshot._moId,
            name=item.name,
            description=item.description or "",
            quiesced=bool(item.quiesced),
            created_at=item.createTime.isoformat(),
            depth=depth,
        )


def _own(instance: Instance, machine: vim.VirtualMachine, job_id: str, nonce: str) -> Snapshot | None:
    values = read_properties(instance, [machine], vim.VirtualMachine, ["snapshot.rootSnapshotList"])[0][1]
    tree = snapshot_tree(list(values.get("snapshot.rootSnapshotList", [])))
    name = snapshot_name(job_id)
    return next((each for each in tree if each.name == name and nonce in each.description), None)


def _needs_consolidation(instance: Instance, machine: vim.VirtualMachine) -> bool:
    values = read_properties(instance, [machine], vim.VirtualMachine, ["runtime.consolidationNeeded"])[0][1]
    return bool(values.get("runtime.consolidationNeeded", False))


def _await_tasks(instance: Instance, machine: vim.VirtualMachine) -> None:
    """Wait for snapshot tasks of the VM that are still under way, perhaps begun by a process that has died."""
    values = read_properties(instance, [machine], vim.VirtualMachine, ["recentTask"])[0][1]
    for task in values.get("recentTask", []):
        try:
            info = read_properties(instance, [task], vim.Task, ["info"])[0][1]["info"]
            if "snapshot" in str(info.descriptionId).lower() and info.state not in ENDED:
                wait_for(instance, task)
        except vmodl.fault.ManagedObjectNotFound:
            continue  # vCenter forgets ended tasks after a while
        except vim.fault.VimFault:
            continue  # a task that failed left nothing to wait for
