"""Gets the OVF descriptor of an exported VM from vCenter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pyVmomi import vim

from service.errors import VSphereRefused
from service.vsphere.session import Instance, Session


class ExportedFile(Protocol):
    """A disk file for the descriptor: its key in the lease, its name, and its size in bytes."""

    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def file(self) -> str: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102


async def create_descriptor(
    session: Session, vm: str, name: str, files: Sequence[ExportedFile], *, snapshot: str = ""
) -> str:
    """The OVF envelope (XML) of the VM `vm` (a moref) with these disk files, from `OvfManager.CreateDescriptor`.

    With `snapshot` (a moref), it describes the VM as it was in that snapshot, and otherwise as it is now: a copy may
    take hours, and the hardware may be changed meanwhile. Raises VSphereRefused with vCenter's reason.
    """

    def ask(instance: Instance) -> str:
        params = vim.OvfManager.CreateDescriptorParams(
            name=name,
            includeImageFiles=False,
            snapshot=vim.vm.Snapshot(snapshot, instance._stub) if snapshot else None,
            ovfFiles=[vim.OvfManager.OvfFile(deviceId=item.key, path=item.file, size=item.size) for item in files],
        )
        machine = vim.VirtualMachine(vm, instance._stub)
        answer = instance.content.ovfManager.CreateDescriptor(obj=machine, cdp=params)
        if answer.error:
            raise VSphereRefused(f"vCenter could not describe the VM as OVF: {answer.error[0].localizedMessage}")
        return str(answer.ovfDescriptor)

    return await session.call(ask)
