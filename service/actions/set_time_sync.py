"""Turns the time synchronization of VMware Tools on or off (`tools.syncTime` in a VMX file)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from service.actions._targeted import CHECK, CheckContext, info, undo_command, warn
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import ActionClass, Check
from service.jobs.action import JobControl, StepResult
from service.vsphere.vms import VmState, set_time_sync

SET = "set time sync"


class TimeSyncOfVm(VmParams):
    """Which VM, and whether its clock follows the host's."""

    enabled: bool = Field(default=True, description="Whether the clock of the guest follows that of the host.")


class SetTimeSync(VmAction[TimeSyncOfVm]):
    """Also works on a running VM."""

    name = "set-time-sync"
    summary = "Let VMware Tools synchronize the guest's clock with the host's, or stop that."
    action_class = ActionClass.DISRUPTIVE  # the clock of a running guest can jump
    label = "Change the time synchronization of {target}"
    steps = (CHECK, SET)
    params = TimeSyncOfVm

    async def checks(self, context: CheckContext[VmState, TimeSyncOfVm]) -> Iterable[Check]:
        """Whether the setting takes effect now, and whether NTP may interfere."""
        vm = context.state
        found = list(vm_checks(vm))
        if vm.time_sync is context.params.enabled:
            found.append(info("time-sync", f"It is already {'on' if context.params.enabled else 'off'}."))
        elif context.params.enabled:
            found.append(
                warn(
                    "other-clock", "Two services adjust the clock of a guest that also runs NTP. Use only one of them."
                )
            )
        if context.params.enabled and not vm.tools_running:
            found.append(
                info("tools", f"VMware Tools are not running in {vm.name}. The setting takes effect when they do.")
            )
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, TimeSyncOfVm]) -> dict[str, Any]:
        """One configuration change."""
        vm = context.state

        async def change() -> StepResult:
            await set_time_sync(context.session, vm.moref, context.params.enabled)
            words = "The clock follows the host." if context.params.enabled else "The clock no longer follows the host."
            back = str(not context.params.enabled).lower()
            return StepResult(detail=f"{words} {undo_command('set-time-sync', context.typed, f'enabled={back}')}")

        await job.step_as(StepResult, SET, change)
        return {"time_sync": context.params.enabled, "changed": vm.time_sync is not context.params.enabled}


ACTION = SetTimeSync()
