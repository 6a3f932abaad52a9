"""Moves and deletes the files of virtual disks that no VM has, and finds the VMs that have one.

Each call can be repeated after a crash.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, NamedTuple

from pyVmomi import vim

from service.errors import Conflict, NotFound, VmkopsError
from service.retry import attempts
from service.vsphere.disks import DEVICES, files_of
from service.vsphere.importing import maker
from service.vsphere.session import Instance, Session, read_present, read_properties, vm_of
from service.vsphere.snapshots import snapshot_tree
from service.vsphere.tasks import Progress, wait_for

LOOKS = 5
"""How often a move that failed is looked at again: another one, whose answer was lost, may still be under way."""


class DiskUser(NamedTuple):
    """A VM that has a disk file, and the id of the job of vmkops that made the VM, if one did."""

    moref: str
    name: str
    job: str


def file_beside(vmx: str, name: str) -> str:
    """The datastore path of a file in the folder of the VM with this configuration file."""
    return str(PurePosixPath(vmx).with_name(name))


async def move_disk(session: Session, vm: str, source: str, target: str, progress: Progress) -> bool:
    """Move the disk at the datastore path `source`; False when it was at `target` already.

    Both are in the datacenter of the VM `vm` (a moref). No VM may have the disk.
    """

    def ask(instance: Instance) -> bool:
        manager, center = instance.content.virtualDiskManager, datacenter_of(instance, vm)
        if _exists(instance, center, target) and not _exists(instance, center, source):
            return False
        task = manager.MoveVirtualDisk_Task(
            sourceName=source, sourceDatacenter=center, destName=target, destDatacenter=center, force=False
        )
        wait_for(instance, task, progress)
        return True

    async def attempt() -> bool | VmkopsError:
        try:
            return await session.call(ask, limit=None)
        except VmkopsError as error:
            if isinstance(error.__cause__, vim.fault.FileFault):
                return error
            raise

    moved = await attempts(attempt, times=LOOKS, until=lambda end: not isinstance(end, VmkopsError))
    if isinstance(moved, VmkopsError):
        raise moved
    return moved


async def find_datacenter(session: Session, vm: str) -> str:
    """The moref of the datacenter of the VM `vm` (a moref); raises NotFound when the VM is gone."""
    return await session.call(lambda instance: str(datacenter_of(instance, vm)._moId))


async def find_disk(session: Session, datacenter: str, path: str) -> bool:
    """Whether there is a disk at this datastore path in the datacenter (a moref)."""
    return await session.call(lambda instance: _exists(instance, _datacenter(instance, datacenter), path))


async def delete_disk(session: Session, datacenter: str, path: str) -> bool:
    """Delete the disk at this datastore path in the datacenter (a moref); False when there is none.

    No VM may have the disk: vSphere would delete it all the same while the VM is off.
    """

    def ask(instance: Instance) -> bool:
        center = _datacenter(instance, datacenter)
        if not _exists(instance, center, path):
            return False
        wait_for(instance, instance.content.virtualDiskManager.DeleteVirtualDisk_Task(name=path, datacenter=center))
        return True

    return await session.call(ask, limit=None)


def datacenter_of(instance: Instance, vm: str) -> Any:
    """The datacenter of the VM `vm` (a moref), as a pyVmomi object."""
    entity: Any = vm_of(instance, vm)
    while entity is not None and not isinstance(entity, vim.Datacenter):
        names = ["parent", "parentVApp"] if isinstance(entity, vim.VirtualMachine) else ["parent"]
        values = read_properties(instance, [entity], type(entity), names)[0][1]
        entity = values.get("parent") or values.get("parentVApp")
    return entity


async def users_of(session: Session, datacenter: str, path: str) -> list[DiskUser]:
    """The VMs of the datacenter (a moref) that have the disk at this datastore path, also in a snapshot only.

    Raises Conflict when that cannot be told, because vCenter cannot read the VMs of the datastore or the configuration
    of a VM or snapshot there, and NotFound when the datacenter has no such datastore.
    """

    def ask(instance: Instance) -> list[DiskUser]:
        names = ["name", "config.annotation", DEVICES, "snapshot"]
        found = []
        for vm, values in read_present(instance, _vms_beside(instance, datacenter, path), vim.VirtualMachine, names):
            if DEVICES not in values:
                name = values.get("name", vm._moId)
                raise Conflict(f"vCenter cannot read the configuration of {name}, which may have the disk.")
            tree = list(getattr(values.get("snapshot"), "rootSnapshotList", None) or [])
            snapshots = [vim.vm.Snapshot(each.moref, instance._stub) for each in snapshot_tree(tree)]
            kept = read_present(instance, snapshots, vim.vm.Snapshot, [DEVICES])
            if any(DEVICES not in each for _, each in kept):
                name = values.get("name", vm._moId)
                raise Conflict(f"vCenter cannot read a snapshot of {name}, which may have the disk.")
            devices = [*values[DEVICES], *(device for _, each in kept for device in each[DEVICES])]
            if any(path in files_of(device) for device in devices):
                job = maker(values.get("config.annotation", ""))
                found.append(DiskUser(moref=vm._moId, name=values.get("name", ""), job=job))
        return found

    return await session.call(ask)


def _vms_beside(instance: Instance, datacenter: str, path: str) -> list[Any]:
    """The VMs with files on the datastore of this path."""
    center, name = _datacenter(instance, datacenter), path.partition("]")[0].removeprefix("[")
    stores = read_properties(instance, [center], vim.Datacenter, ["datastore"])[0][1].get("datastore", [])
    for _, values in read_present(instance, list(stores), vim.Datastore, ["name", "vm"]):
        if values.get("name") == name:
            if "vm" not in values:
                raise Conflict(f"vCenter does not tell which VMs are on {name}, and one of them may have the disk.")
            return list(values["vm"])
    raise NotFound(f"The datastore {name!r} is not there any more.")


def _datacenter(instance: Instance, datacenter: str) -> Any:
    return vim.Datacenter(datacenter, instance._stub)


def _exists(instance: Instance, datacenter: Any, path: str) -> bool:
    try:
        instance.content.virtualDiskManager.QueryVirtualDiskUuid(name=path, datacenter=datacenter)
    except vim.fault.FileNotFound:
        return False
    except vim.fault.FileFault:  # it is locked, or cannot be read now
        return True
    return True
