"""Lets VMware Tools keep a guest's clock at its host's, or stops that (`tools.syncTime` of a VMX)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from service.actions._base import JobControl
from service.actions._on import CHECK, Case, info, undo, warn
from service.actions._vm import VmAction, VmParams, vm_checks
from service.models import Check
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

    async def checks(self, case: Case[VmState, TimeSyncOfVm]) -> Iterable[Check]:
        """Without Tools the setting waits for them."""
        vm = case.state
        found = list(vm_checks(vm))
        if vm.time_sync is case.params.enabled:
            found.append(info("time-sync", f"It is {'on' if case.params.enabled else 'off'} already."))
        elif case.params.enabled:
            found.append(warn("other-clock", "A guest that also runs NTP is pulled two ways: keep one of the two."))
        if case.params.enabled and not vm.tools_running:
            found.append(info("tools", f"VMware Tools do not run in {vm.name}; it takes effect when they do."))
        return found

    async def act(self, job: JobControl, case: Case[VmState, TimeSyncOfVm]) -> dict[str, Any]:
        """One change of the configuration."""
        vm = case.state

        async def change() -> dict[str, Any]:
            await set_time_sync(case.session, vm.moref, case.params.enabled)
            words = "The clock follows the host." if case.params.enabled else "The clock goes by itself."
            back = str(not case.params.enabled).lower()
            return {"detail": f"{words} {undo(f'action set-time-sync {vm.name} enabled={back}')}"}

        await job.step(SET, change)
        return {"time_sync": case.params.enabled, "changed": vm.time_sync is not case.params.enabled}


ACTION = SetTimeSync()
