"""Powers a VM off, as pulling the plug does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.actions._targeted import CHECK, CheckContext, info, undo, warn
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import Check
from service.jobs.action import JobControl
from service.vsphere.vms import VmState, set_power

POWER_OFF = "power off"


class PowerOff(VmAction[VmParams]):
    """Off, or nothing where it is off."""

    name = "power-off"
    summary = "Power a VM off at once, without asking its guest."
    steps = (CHECK, POWER_OFF)

    async def checks(self, context: CheckContext[VmState, VmParams]) -> Iterable[Check]:
        """A guest that could be asked is worth asking."""
        vm = context.state
        found = list(vm_checks(vm))
        if vm.power_state == "poweredOff":
            found.append(info("power", f"{vm.name} is off already."))
        elif vm.tools_running:
            found.append(warn("guest", "The guest is not asked; guest-shutdown would, as its VMware Tools run."))
        else:
            found.append(warn("guest", "The guest is not asked: what it has not written yet is lost."))
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, VmParams]) -> dict[str, Any]:
        """One task of vSphere's."""
        vm = context.state

        async def power_off() -> dict[str, Any]:
            changed = await set_power(context.session, vm.moref, "poweredOff", job.percent)
            hint = undo(f"action power-on {vm.name}")
            return {"changed": changed, "detail": f"Powered off. {hint}" if changed else "It was off already."}

        done = await job.step(POWER_OFF, power_off, interruptible=True)
        return {"power_state": "poweredOff", "changed": done["changed"]}


ACTION = PowerOff()
