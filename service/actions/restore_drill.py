"""Proves that a kept backup can be restored: makes a VM of it, lets it boot without a network, and removes it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from pydantic import Field

from service.actions._deploy import CONFIRM, PACKAGE, REMOVE, SEND, VmsRemoved
from service.actions._from_backup import BackupDeployment, FromBackup, check_restore, class_of_restore
from service.actions._targeted import info
from service.api.models import ActionClass, JobState
from service.api.words import counted
from service.errors import JobCancelled, RestoreFailed, VmkopsError, VSphereUnavailable
from service.jobs.action import Action, Context, JobControl, StepResult, Target
from service.packages.picture import keep_picture
from service.retry import attempts
from service.vsphere.console import has_heartbeat, remove_screenshot, take_screenshot
from service.vsphere.session import Session
from service.vsphere.vms import set_power, wait_for_power_on

SUFFIX = "-drill"
POWER_ON, BOOT, PICTURE, POWER_OFF = "power on", "wait for the guest", "take a picture", "power off"
GIVE_UP = "give up"
POLL_SECONDS = 2
POWER_OFF_TIMES = 3
"""How often the power-off is tried: a VM that stays on is not removed."""


class Drill(FromBackup):
    """Which backup, where its VM goes for a while, and how long its guest may take to boot."""

    boot_seconds: int = Field(
        default=300,
        ge=0,
        le=3600,
        description="How long to wait for the heartbeat of VMware Tools after the power-on, in seconds; 0 does not "
        "power the VM on.",
    )

    @property
    def boots(self) -> bool:
        """Whether the VM is powered on. Jobs of earlier versions recorded no such field, and have no such steps."""
        return "boot_seconds" in self.model_fields_set and self.boot_seconds > 0


class Booted(StepResult):
    """Whether a heartbeat came, and whether one was to be expected: VMware Tools ran when the backup was made."""

    heartbeat: bool
    expected: bool


class Pictured(StepResult):
    """The picture of the console, beside the backup; empty without one."""

    screenshot: str


class RestoreDrill(Action):
    """A restore whose VM is removed again; its network cards never connect."""

    name = "restore-drill"
    summary = "Restore a kept backup, boot the VM without a network, and remove it: the proof that the backup works."
    action_class = ActionClass.SAFE  # changes only the VM that it made itself, which has no network
    may_ask = True  # a VM for another vCenter than that of the backup
    steps = (PACKAGE, SEND, CONFIRM, POWER_ON, BOOT, PICTURE, POWER_OFF, REMOVE)
    params = Drill

    def class_for(self, target: Target) -> ActionClass:
        """Another vCenter needs a yes."""
        return class_of_restore(self.action_class, target)

    def plan_of(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """See `Action.plan_of`: a VM that is not powered on need not be powered off."""
        return self.steps if params["boot_seconds"] else (PACKAGE, SEND, CONFIRM, REMOVE)

    async def pinned(self, context: Context, params: Drill) -> Drill:
        """See `Action.pinned`."""
        return await params.pinned(context)

    async def target(self, context: Context, params: Drill) -> Target:
        """As for a restore; also how far the drill goes."""
        params = params.model_copy(update={"connect_networks": False, "boot_seconds": params.boot_seconds})
        target = await check_restore(context, params, "", SUFFIX)
        seconds = counted(params.boot_seconds, "second")
        words = f"The VM is powered on without a network, and its guest has {seconds} to give a heartbeat."
        boot = info("boot", words if params.boots else "The VM is not powered on (boot_seconds=0).")
        return replace(target, checks=(*target.checks, boot))

    async def run(self, context: Context, job: JobControl, params: Drill) -> dict[str, Any]:
        """Restore, boot, and remove; raises RestoreFailed when the VM does not start or cannot be removed."""
        drill = BackupDeployment(context, job, params, "", SUFFIX, passing=True)
        made = await drill.deploy()
        found: dict[str, Any] = {"reached": "restored"}
        session = context.vcenters.named(params.vcenter).session
        remove = partial(_remove, session, job, drill, made["vm"], booted=params.boots)
        if params.boots:
            try:
                found = await _boot(session, job, params, drill, made["vm"]["moref"])
            except Exception as error:
                await remove(f"The drill was given up ({error}), and", part=GIVE_UP)
                raise
        removed = await remove("The backup was restored, so it works, but")
        return {**made, **found, "removed": removed.removed}


ACTION = RestoreDrill()


async def _boot(
    session: Session, job: JobControl, params: Drill, drill: BackupDeployment, moref: str
) -> dict[str, Any]:
    """Power the VM on and see how far its guest comes; the keys are for the job's result."""
    await job.step_as(StepResult, POWER_ON, partial(_power_on, session, job, moref), interruptible=True)
    wait = partial(_wait, session, job, params.boot_seconds, drill, moref)
    booted = await job.step_as(Booted, BOOT, wait, interruptible=True)
    take = partial(_picture, session, drill, moref)
    picture = await job.step_as(Pictured, PICTURE, take, interruptible=True)
    silent = booted.expected and not booted.heartbeat
    return {
        "state": (JobState.PARTIAL if silent else JobState.SUCCEEDED).value,
        "reached": "heartbeat" if booted.heartbeat else "powered on",
        "screenshot": picture.screenshot,
    }


async def _remove(
    session: Session,
    job: JobControl,
    drill: BackupDeployment,
    vm: dict[str, str],
    so_far: str,
    *,
    booted: bool,
    part: str = "",
) -> VmsRemoved:
    """Power the VM off, if it was booted, and remove it; raises RestoreFailed, which begins with `so_far`."""
    still_on = ""
    if booted:
        power_off = partial(_power_off, session, vm["moref"])
        try:
            await job.step_as(StepResult, POWER_OFF, power_off, part=part, cleanup=True)
        except VmkopsError as error:  # the VM may be off all the same, so its removal is tried
            still_on = f" It could not be powered off: {error}"
    try:
        return await job.step_as(VmsRemoved, REMOVE, drill.remove, part=part, cleanup=True)
    except VmkopsError as error:
        raise RestoreFailed(f"{so_far} its VM {vm['name']} could not be removed: {error}{still_on}") from error


async def _power_on(session: Session, job: JobControl, moref: str) -> StepResult:
    try:
        await set_power(session, moref, "poweredOn", job.percent)
    except JobCancelled:
        raise
    except VmkopsError as error:
        if error.retryable:
            raise
        raise RestoreFailed(f"The backup was restored, but its VM could not be powered on: {error}") from error
    return StepResult(detail="Powered on; its network cards are not connected.")


async def _wait(session: Session, job: JobControl, seconds: int, drill: BackupDeployment, moref: str) -> Booted:
    expected = await drill.tools_ran()
    begun = time.monotonic()
    while not await has_heartbeat(session, moref):
        waited = time.monotonic() - begun
        if waited >= seconds:
            why = (
                "although VMware Tools ran when the backup was made. Look at the picture of the console."
                if expected
                else "and none was to be expected: VMware Tools did not run when the backup was made."
            )
            words = f"No heartbeat within {counted(seconds, 'second')}, {why}"
            return Booted(heartbeat=False, expected=expected, detail=words)
        job.report(int(waited), seconds, "seconds")
        await asyncio.sleep(POLL_SECONDS)
    return Booted(heartbeat=True, expected=expected, detail="The guest has booted: VMware Tools give a heartbeat.")


async def _picture(session: Session, drill: BackupDeployment, moref: str) -> Pictured:
    try:
        path = await take_screenshot(session, moref)
        kept = await keep_picture(session, moref, path, await drill.folder())
        await remove_screenshot(session, moref, path)
    except VmkopsError as error:
        return Pictured(screenshot="", detail=f"There is no picture of the console: {error}")
    return Pictured(screenshot=str(kept), detail=f"The console: {kept}")


async def _power_off(session: Session, moref: str) -> StepResult:
    async def attempt() -> bool | VmkopsError:
        try:
            # A power-on that could not be cancelled would leave the VM on after a look that found it off.
            await wait_for_power_on(session, moref)
            return await set_power(session, moref, "poweredOff", lambda _: None)
        except VSphereUnavailable:
            raise  # the step is repeated for it
        except VmkopsError as error:
            return error

    changed = await attempts(attempt, times=POWER_OFF_TIMES, until=lambda end: not isinstance(end, VmkopsError))
    if isinstance(changed, VmkopsError):
        raise changed
    return StepResult(detail="Powered off." if changed else "It was off.")
