"""Moves and deletes the files of virtual disks that no VM has; each call can be repeated after a crash."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from pyVmomi import vim

from service.errors import VmkopsError
from service.retry import attempts
from service.vsphere.session import Instance, Session, read_properties, vm_of
from service.vsphere.tasks import Progress, wait_for

LOOKS = 5
"""How often a move that failed is looked at again: another one, whose answer was lost, may still be under way."""


def file_beside(vmx: str, name: str) -> str:
    """The datastore path of a file in the folder of the VM with this configuration file."""
    return str(PurePosixPath(vmx).with_name(name))


async def move_disk(session: Session, vm: str, source: str, target: str, progress: Progress) -> bool:
    """Move the disk at the datastore path `source`; False when it was at `target` already.

    Both are in the datacenter of the VM `vm` (a moref). No VM may have the disk.
    """

    def ask(instance: Instance) -> bool:
        if _exists(instance, vm, target) and not _exists(instance, vm, source):
            return False
        manager, center = instance.content.virtualDiskManager, datacenter_of(instance, vm)
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


async def delete_disk(session: Session, vm: str, path: str) -> bool:
    """Delete the disk at this datastore path; False when there is none. No VM may have the disk."""

    def ask(instance: Instance) -> bool:
        if not _exists(instance, vm, path):
            return False
        center = datacenter_of(instance, vm)
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


def _exists(instance: Instance, vm: str, path: str) -> bool:
    try:
        instance.content.virtualDiskManager.QueryVirtualDiskUuid(name=path, datacenter=datacenter_of(instance, vm))
    except vim.fault.FileLocked:
        return True
    except vim.fault.FileFault:
        return False
    return True
