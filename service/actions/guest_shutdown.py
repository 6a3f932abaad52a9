"""Asks a guest to shut down, and waits until it has, up to a limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any

from pydantic import Field

from service.actions._targeted import CHECK, CheckContext, info, refuse, undo_command
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import ActionClass, Check
from service.api.words import counted, vsphere_words
from service.errors import Conflict
from service.jobs.action import JobControl, StepResult
from service.vsphere.vms import VmState, ask_to_shut_down, is_off

ASK, WAIT = "ask the guest", "wait until it is off"
POLL_SECONDS = 1.0


class Asked(StepResult):
    """When the guest was asked, in seconds since 1970."""

    asked_at: float


class GuestShutdownVm(VmParams):
    """Which VM, and how long to wait."""

    wait_seconds: int = Field(
        default=300, ge=1, le=7200, description="How long the guest may take to shut down, in seconds."
    )


class GuestShutdown(VmAction[GuestShutdownVm]):
    """Asks and waits; it never powers the VM off by force."""

    name = "guest-shutdown"
    summary = "Ask the guest to shut down, through VMware Tools, and wait until the VM is off."
    action_class = ActionClass.DISRUPTIVE
    label = "Shut down {target}"
    steps = (CHECK, ASK, WAIT)
    params = GuestShutdownVm

    async def checks(self, context: CheckContext[VmState, GuestShutdownVm]) -> Iterable[Check]:
        """A guest without running VMware Tools cannot be asked."""
        vm = context.state
        found = list(vm_checks(vm))
        if vm.power_state == "poweredOff":
            found.append(info("power", f"{vm.name} is already off."))
        elif vm.power_state != "poweredOn":
            found.append(
                refuse("power", f"{vm.name} is {vsphere_words(vm.power_state)}, so its guest cannot be asked.")
            )
        elif not vm.tools_running:
            found.append(
                refuse(
                    "tools",
                    f"VMware Tools are not running in {vm.name}, so its guest cannot be asked. The action power-off "
                    "does not ask.",
                )
            )
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, GuestShutdownVm]) -> dict[str, Any]:
        """Cancelling ends only the wait: a guest that was asked continues to shut down."""
        vm = context.state

        async def ask() -> Asked:
            await ask_to_shut_down(context.session, vm.moref)
            return Asked(asked_at=time.time(), detail="The guest was asked to shut down.")

        asked = await job.step_as(Asked, ASK, ask)

        async def wait() -> StepResult:
            while not await is_off(context.session, vm.moref):
                if time.time() > asked.asked_at + context.params.wait_seconds:
                    limit = counted(context.params.wait_seconds, "second")
                    raise Conflict(
                        f"The guest of {vm.name} did not shut down within {limit}. Check "
                        "its console; the action power-off stops it without asking."
                    )
                await asyncio.sleep(POLL_SECONDS)
            return StepResult(detail=f"Off. {undo_command('power-on', context.typed)}")

        await job.step_as(StepResult, WAIT, wait, interruptible=True)
        return {"power_state": "poweredOff"}


ACTION = GuestShutdown()
