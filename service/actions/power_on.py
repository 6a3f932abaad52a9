"""Powers a VM on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.actions._targeted import CHECK, CheckContext, info, undo
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import Check
from service.jobs.action import JobControl
from service.vsphere.vms import VmState, set_power

POWER_ON = "power on"


class PowerOn(VmAction[VmParams]):
    """On, or nothing where it is on."""

    name = "power-on"
    summary = "Power a VM on, or wake it when it is suspended."
    steps = (CHECK, POWER_ON)

    async def checks(self, context: CheckContext[VmState, VmParams]) -> Iterable[Check]:
        """A VM that is on stays as it is."""
        vm = context.state
        on = [info("power", f"{vm.name} is on already.")] if vm.power_state == "poweredOn" else []
        return [*vm_checks(vm), *on]

    async def act(self, job: JobControl, context: CheckContext[VmState, VmParams]) -> dict[str, Any]:
        """One task of vSphere's, which a cancel stops if it can be stopped."""
        vm = context.state

        async def power_on() -> dict[str, Any]:
            changed = await set_power(context.session, vm.moref, "poweredOn", job.percent)
            hint = undo(f"action guest-shutdown or power-off {vm.name}")
            return {"changed": changed, "detail": f"Powered on. {hint}" if changed else "It was on already."}

        done = await job.step(POWER_ON, power_on, interruptible=True)
        return {"power_state": "poweredOn", "changed": done["changed"]}


ACTION = PowerOn()
