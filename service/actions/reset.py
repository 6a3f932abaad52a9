"""Resets a VM, as its reset button does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.actions._targeted import CHECK, CheckContext, refuse, warn
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import Check
from service.jobs.action import JobControl
from service.vsphere.vms import VmState, reset

RESET = "reset"


class Reset(VmAction[VmParams]):
    """Once, also when the service dies in the middle."""

    name = "reset"
    summary = "Reset a running VM at once, without asking its guest."
    steps = (CHECK, RESET)

    async def checks(self, context: CheckContext[VmState, VmParams]) -> Iterable[Check]:
        """Only a VM that is on can be reset."""
        vm = context.state
        if vm.power_state != "poweredOn":
            return [*vm_checks(vm), refuse("power", f"{vm.name} is {vm.power_state}; power-on starts it.")]
        return [*vm_checks(vm), warn("guest", "The guest is not asked: what it has not written yet is lost.")]

    async def act(self, job: JobControl, context: CheckContext[VmState, VmParams]) -> dict[str, Any]:
        """One task of vSphere's; a reset cannot be taken back."""
        vm = context.state

        async def press() -> dict[str, Any]:
            await reset(context.session, vm.moref, since=vm.at)
            return {"detail": "Reset; the guest boots. It cannot be undone."}

        await job.step(RESET, press)
        return {"power_state": "poweredOn"}


ACTION = Reset()
