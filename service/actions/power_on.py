"""Powers a VM on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.actions._base import JobControl
from service.actions._on import CHECK, Case, info, undo
from service.actions._vm import VmAction, VmParams, vm_checks
from service.models import Check
from service.vsphere.vms import VmState, set_power

POWER_ON = "power on"


class PowerOn(VmAction[VmParams]):
    """On, or nothing where it is on."""

    name = "power-on"
    summary = "Power a VM on, or wake it when it is suspended."
    steps = (CHECK, POWER_ON)

    async def checks(self, case: Case[VmState, VmParams]) -> Iterable[Check]:
        """A VM that is on stays as it is."""
        vm = case.state
        on = [info("power", f"{vm.name} is on already.")] if vm.power_state == "poweredOn" else []
        return [*vm_checks(vm), *on]

    async def act(self, job: JobControl, case: Case[VmState, VmParams]) -> dict[str, Any]:
        """One task of vSphere's, which a cancel stops if it can be stopped."""
        vm = case.state

        async def power_on() -> dict[str, Any]:
            changed = await set_power(case.session, vm.moref, "poweredOn", job.percent)
            hint = undo(f"action guest-shutdown or power-off {vm.name}")
            return {"changed": changed, "detail": f"Powered on. {hint}" if changed else "It was on already."}

        done = await job.step(POWER_ON, power_on, interruptible=True)
        return {"power_state": "poweredOn", "changed": done["changed"]}


ACTION = PowerOn()
