"""Powers a VM off, as pulling the plug does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.actions._base import JobControl
from service.actions._on import CHECK, Case, info, undo, warn
from service.actions._vm import VmAction, VmParams, vm_checks
from service.models import Check
from service.vsphere.vms import VmState, set_power

POWER_OFF = "power off"


class PowerOff(VmAction[VmParams]):
    """Off, or nothing where it is off."""

    name = "power-off"
    summary = "Power a VM off at once, without asking its guest."
    steps = (CHECK, POWER_OFF)

    async def checks(self, case: Case[VmState, VmParams]) -> Iterable[Check]:
        """A guest that could be asked is worth asking."""
        vm = case.state
        found = list(vm_checks(vm))
        if vm.power_state == "poweredOff":
            found.append(info("power", f"{vm.name} is off already."))
        elif vm.tools_running:
            found.append(warn("guest", "The guest is not asked; guest-shutdown would, as its VMware Tools run."))
        else:
            found.append(warn("guest", "The guest is not asked: what it has not written yet is lost."))
        return found

    async def act(self, job: JobControl, case: Case[VmState, VmParams]) -> dict[str, Any]:
        """One task of vSphere's."""
        vm = case.state

        async def power_off() -> dict[str, Any]:
            changed = await set_power(case.session, vm.moref, "poweredOff", job.percent)
            hint = undo(f"action power-on {vm.name}")
            return {"changed": changed, "detail": f"Powered off. {hint}" if changed else "It was off already."}

        done = await job.step(POWER_OFF, power_off, interruptible=True)
        return {"power_state": "poweredOff", "changed": done["changed"]}


ACTION = PowerOff()
