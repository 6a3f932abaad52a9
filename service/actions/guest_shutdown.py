"""Asks a guest to shut down, and waits for it within a limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any

from pydantic import Field

from service.actions._targeted import CHECK, CheckContext, info, refuse, undo
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import Check
from service.errors import Conflict
from service.jobs.action import JobControl
from service.vsphere.vms import VmState, ask_to_shut_down, is_off

ASK, WAIT = "ask the guest", "wait until it is off"
LOOK_SECONDS = 1.0


class GuestShutdownVm(VmParams):
    """Which VM, and for how long to wait."""

    wait_seconds: int = Field(default=300, ge=1, le=7200, description="How long the guest may take, in seconds.")


class GuestShutdown(VmAction[GuestShutdownVm]):
    """Asks and waits; it never powers off by force."""

    name = "guest-shutdown"
    summary = "Ask the guest to shut down, through VMware Tools, and wait until the VM is off."
    steps = (CHECK, ASK, WAIT)
    params = GuestShutdownVm

    async def checks(self, context: CheckContext[VmState, GuestShutdownVm]) -> Iterable[Check]:
        """A guest without running Tools cannot be asked."""
        vm = context.state
        found = list(vm_checks(vm))
        if vm.power_state == "poweredOff":
            found.append(info("power", f"{vm.name} is off already."))
        elif vm.power_state != "poweredOn":
            found.append(refuse("power", f"{vm.name} is {vm.power_state}; its guest cannot be asked now."))
        elif not vm.tools_running:
            found.append(
                refuse("tools", f"VMware Tools do not run in {vm.name}, so it cannot be asked. power-off does not ask.")
            )
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, GuestShutdownVm]) -> dict[str, Any]:
        """A cancel ends the waiting only: a guest that was asked goes on with its shutdown."""
        vm = context.state

        async def ask() -> dict[str, Any]:
            await ask_to_shut_down(context.session, vm.moref)
            return {"asked_at": time.time(), "detail": "The guest was asked to shut down."}

        asked = await job.step(ASK, ask)

        async def wait() -> dict[str, Any]:
            while not await is_off(context.session, vm.moref):
                if time.time() > asked["asked_at"] + context.params.wait_seconds:
                    raise Conflict(
                        f"The guest of {vm.name} did not stop within {context.params.wait_seconds} s. Look at "
                        "its console; power-off stops it without asking."
                    )
                await asyncio.sleep(LOOK_SECONDS)
            return {"detail": f"Off. {undo(f'action power-on {vm.name}')}"}

        await job.step(WAIT, wait, interruptible=True)
        return {"power_state": "poweredOff"}


ACTION = GuestShutdown()
