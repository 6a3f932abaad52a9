"""Disconnects the CD-ROM and floppy drives of a VM, which keep it from moving to another host."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.actions._base import JobControl
from service.actions._on import CHECK, Case, info, undo
from service.actions._vm import VmAction, VmParams, vm_checks
from service.models import Check
from service.vsphere.devices import disconnect_drives, read_drives
from service.vsphere.vms import VmState

DISCONNECT = "disconnect"


class DisconnectRemovables(VmAction[VmParams]):
    """Now, and at the next power-on."""

    name = "disconnect-removables"
    summary = "Disconnect a VM's CD-ROM and floppy drives, now and at the next power-on."
    steps = (CHECK, DISCONNECT)

    async def checks(self, case: Case[VmState, VmParams]) -> Iterable[Check]:
        """What is connected."""
        vm = case.state
        drives = await read_drives(case.session, vm.moref)
        used = [f"{each.label} ({each.medium})" if each.medium else each.label for each in drives if each.in_use]
        words = f"Connected: {', '.join(used)}." if used else f"No drive of {vm.name} is connected."
        return [*vm_checks(vm), info("drives", words)]

    async def act(self, job: JobControl, case: Case[VmState, VmParams]) -> dict[str, Any]:
        """One change of the configuration; a guest that holds its CD-ROM makes the VM ask first."""
        vm = case.state

        async def disconnect() -> dict[str, Any]:
            labels = await disconnect_drives(case.session, vm.moref)
            hint = undo("connect it in the VM's settings")
            return {
                "drives": labels,
                "detail": f"Disconnected: {', '.join(labels)}. {hint}" if labels else "None was connected.",
            }

        done = await job.step(DISCONNECT, disconnect)
        return {"disconnected": done["drives"]}


ACTION = DisconnectRemovables()
