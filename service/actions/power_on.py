"""Powers a VM on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.actions._targeted import CHECK, Changed, CheckContext, info, undo_command
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import ActionClass, Check
from service.jobs.action import JobControl
from service.vsphere.vms import VmState, set_power

POWER_ON = "power on"


class PowerOn(VmAction[VmParams]):
    """Does nothing for a VM that is on."""

    name = "power-on"
    summary = "Power a VM on, or resume it when it is suspended."
    action_class = ActionClass.SAFE  # stops nothing that runs
    steps = (CHECK, POWER_ON)

    async def checks(self, context: CheckContext[VmState, VmParams]) -> Iterable[Check]:
        """A VM that is on is not changed."""
        vm = context.state
        on = [info("power", f"{vm.name} is already on.")] if vm.power_state == "poweredOn" else []
        return [*vm_checks(vm), *on]

    async def act(self, job: JobControl, context: CheckContext[VmState, VmParams]) -> dict[str, Any]:
        """One vSphere task, which cancelling stops if vSphere allows it."""
        vm = context.state

        async def power_on() -> Changed:
            changed = await set_power(context.session, vm.moref, "poweredOn", job.percent)
            hint = undo_command("power-off", context.typed)
            return Changed(changed=changed, detail=f"Powered on. {hint}" if changed else "It was already on.")

        done = await job.step_as(Changed, POWER_ON, power_on, interruptible=True)
        return {"power_state": "poweredOn", "changed": done.changed}


ACTION = PowerOn()
