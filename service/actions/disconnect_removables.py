"""Disconnects the CD-ROM and floppy drives of a VM, which prevent its migration to another host."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from service.actions._targeted import CHECK, CheckContext, info, undo
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import ActionClass, Check
from service.jobs.action import JobControl, StepResult
from service.vsphere.devices import disconnect_drives, read_drives
from service.vsphere.questions import LOCKED_DRIVE, answering
from service.vsphere.vms import VmState

DISCONNECT = "disconnect"


class Disconnected(StepResult):
    """The labels of the drives that were disconnected."""

    drives: list[str]


class DisconnectDrives(VmParams):
    """Which VM, and what to do about a drive that its guest has locked."""

    locked: Literal["ask", "override"] = Field(
        default="ask",
        description="What to do when the guest has locked a CD-ROM drive and the VM asks before it disconnects it: "
        "wait for an answer, or answer yes.",
    )


class DisconnectRemovables(VmAction[DisconnectDrives]):
    """Disconnects them now, and for the next power-on."""

    name = "disconnect-removables"
    summary = "Disconnect a VM's CD-ROM and floppy drives, now and at the next power-on."
    action_class = ActionClass.DISRUPTIVE  # a guest that uses a medium loses it
    label = "Disconnect the CD-ROM and floppy drives of {target}"
    steps = (CHECK, DISCONNECT)
    params = DisconnectDrives

    async def checks(self, context: CheckContext[VmState, DisconnectDrives]) -> Iterable[Check]:
        """Which drives are connected."""
        vm = context.state
        drives = await read_drives(context.session, vm.moref)
        used = [f"{each.label} ({each.medium})" if each.medium else each.label for each in drives if each.in_use]
        words = f"Connected: {', '.join(used)}." if used else f"No drive of {vm.name} is connected."
        return [*vm_checks(vm), info("drives", words)]

    async def act(self, job: JobControl, context: CheckContext[VmState, DisconnectDrives]) -> dict[str, Any]:
        """One change of the configuration; the job shows the question of a VM whose guest has locked its drive."""
        vm = context.state

        async def disconnect() -> Disconnected:
            with answering({LOCKED_DRIVE: "Yes"} if context.params.locked == "override" else {}):
                labels = await disconnect_drives(context.session, vm.moref)
            hint = undo("connect it in the VM's settings")
            detail = f"Disconnected: {', '.join(labels)}. {hint}" if labels else "No drive was connected."
            return Disconnected(drives=labels, detail=detail)

        done = await job.step_as(Disconnected, DISCONNECT, disconnect)
        return {"disconnected": done.drives}


ACTION = DisconnectRemovables()
