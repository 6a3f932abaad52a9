"""Resets a VM, as its reset button does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.actions._targeted import CHECK, CheckContext, refuse, warn
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import ActionClass, Check
from service.api.words import vsphere_words
from service.jobs.action import JobControl, StepResult
from service.vsphere.vms import VmState, reset

RESET = "reset"


class Reset(VmAction[VmParams]):
    """Resets exactly once, even if the service dies meanwhile."""

    name = "reset"
    summary = "Reset a running VM at once, without asking its guest."
    action_class = ActionClass.DISRUPTIVE  # the guest loses what it has not written; its disks stay
    steps = (CHECK, RESET)

    async def checks(self, context: CheckContext[VmState, VmParams]) -> Iterable[Check]:
        """Only a VM that is on can be reset."""
        vm = context.state
        if vm.power_state != "poweredOn":
            return [
                *vm_checks(vm),
                refuse("power", f"{vm.name} is {vsphere_words(vm.power_state)}. The action power-on starts it."),
            ]
        return [*vm_checks(vm), warn("guest", "The guest is not asked: data that it has not written yet is lost.")]

    async def act(self, job: JobControl, context: CheckContext[VmState, VmParams]) -> dict[str, Any]:
        """One vSphere task; it cannot be undone."""
        vm = context.state

        async def press() -> StepResult:
            await reset(context.session, vm.moref, since=vm.at)
            return StepResult(detail="Reset; the guest boots. This cannot be undone.")

        await job.step_as(StepResult, RESET, press)
        return {"power_state": "poweredOn"}


ACTION = Reset()
