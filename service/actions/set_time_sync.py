"""Lets VMware Tools keep a guest's clock at its host's, or stops that (`tools.syncTime` of a VMX)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from service.actions._targeted import CHECK, CheckContext, info, undo, warn
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import Check
from service.jobs.action import JobControl
from service.vsphere.vms import VmState, set_time_sync

SET = "set time sync"


class TimeSyncOfVm(VmParams):
    """Which VM, and whether its clock follows the host's."""

    enabled: bool = Field(default=True, description="true: the guest's clock follows the host's; false: it does not.")


class SetTimeSync(VmAction[TimeSyncOfVm]):
    """Works on a running VM too."""

    name = "set-time-sync"
    summary = "Let VMware Tools keep the guest's clock at the host's time, or stop that."
    steps = (CHECK, SET)
    params = TimeSyncOfVm

    async def checks(self, context: CheckContext[VmState, TimeSyncOfVm]) -> Iterable[Check]:
        """Without Tools the setting waits for them."""
        vm = context.state
        found = list(vm_checks(vm))
        if vm.time_sync is context.params.enabled:
            found.append(info("time-sync", f"It is {'on' if context.params.enabled else 'off'} already."))
        elif context.params.enabled:
            found.append(warn("other-clock", "A guest that also runs NTP is pulled two ways: keep one of the two."))
        if context.params.enabled and not vm.tools_running:
            found.append(info("tools", f"VMware Tools do not run in {vm.name}; it takes effect when they do."))
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, TimeSyncOfVm]) -> dict[str, Any]:
        """One change of the configuration."""
        vm = context.state

        async def change() -> dict[str, Any]:
            await set_time_sync(context.session, vm.moref, context.params.enabled)
            words = "The clock follows the host." if context.params.enabled else "The clock goes by itself."
            back = str(not context.params.enabled).lower()
            return {"detail": f"{words} {undo(f'action set-time-sync {vm.name} enabled={back}')}"}

        await job.step(SET, change)
        return {"time_sync": context.params.enabled, "changed": vm.time_sync is not context.params.enabled}


ACTION = SetTimeSync()
