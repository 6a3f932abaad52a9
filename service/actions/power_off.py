"""Powers a VM off at once, as if its power cable was pulled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.actions._targeted import CHECK, Changed, CheckContext, info, undo_command, warn
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import ActionClass, Check
from service.jobs.action import JobControl
from service.vsphere.vms import VmState, set_power

POWER_OFF = "power off"


class PowerOff(VmAction[VmParams]):
    """Does nothing for a VM that is off."""

    name = "power-off"
    summary = "Power a VM off at once, without asking its guest."
    action_class = ActionClass.DISRUPTIVE  # the guest loses what it has not written; its disks stay
    steps = (CHECK, POWER_OFF)

    async def checks(self, context: CheckContext[VmState, VmParams]) -> Iterable[Check]:
        """Whether the guest could be asked to shut down instead."""
        vm = context.state
        found = list(vm_checks(vm))
        if vm.power_state == "poweredOff":
            found.append(info("power", f"{vm.name} is already off."))
        elif vm.tools_running:
            found.append(
                warn(
                    "guest",
                    "The guest is not asked to shut down. VMware Tools are running, so guest-shutdown can ask it.",
                )
            )
        else:
            found.append(
                warn("guest", "The guest is not asked to shut down: data that it has not written yet is lost.")
            )
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, VmParams]) -> dict[str, Any]:
        """One vSphere task."""
        vm = context.state

        async def power_off() -> Changed:
            changed = await set_power(context.session, vm.moref, "poweredOff", job.percent)
            hint = undo_command("power-on", context.typed)
            return Changed(changed=changed, detail=f"Powered off. {hint}" if changed else "It was already off.")

        done = await job.step_as(Changed, POWER_OFF, power_off, interruptible=True)
        return {"power_state": "poweredOff", "changed": done.changed}


ACTION = PowerOff()
