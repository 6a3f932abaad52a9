"""What can be seen of a guest from outside: the heartbeat of its VMware Tools, and a picture of its console."""

from __future__ import annotations

import contextlib

from pyVmomi import vim, vmodl

from service.vsphere.session import Instance, Session, read_properties, vm_of
from service.vsphere.tasks import wait_for

BEATS = ("green", "yellow")
"""The values of `guestHeartbeatStatus` of a guest whose Tools run; yellow is an intermittent heartbeat."""


async def has_heartbeat(session: Session, vm: str) -> bool:
    """Whether VMware Tools in the guest of the VM `vm` (a moref) give a heartbeat."""

    def ask(instance: Instance) -> bool:
        values = read_properties(instance, [vm_of(instance, vm)], vim.VirtualMachine, ["guestHeartbeatStatus"])[0][1]
        return str(values.get("guestHeartbeatStatus", "")) in BEATS

    return await session.call(ask)


async def take_screenshot(session: Session, vm: str) -> str:
    """Take a picture of the console of the VM `vm` (a moref), which must be on; returns its datastore path."""
    return await session.call(
        lambda instance: str(wait_for(instance, vm_of(instance, vm).CreateScreenshot_Task()) or "")
    )


async def remove_screenshot(session: Session, vm: str, path: str) -> None:
    """Start the removal of a picture of the VM `vm` (a moref) from its datastore; one that stays is no error."""

    def ask(instance: Instance) -> None:
        entity = vm_of(instance, vm)
        while not isinstance(entity, vim.Datacenter):
            entity = read_properties(instance, [entity], type(entity), ["parent"])[0][1]["parent"]
        with contextlib.suppress(vim.fault.VimFault, vmodl.fault.NotSupported):
            instance.content.fileManager.DeleteDatastoreFile_Task(name=path, datacenter=entity)

    await session.call(ask)
