"""Puts a host into maintenance mode."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from pydantic import Field

from service.actions._host import HostAction, HostParams, host_checks
from service.actions._targeted import CHECK, Changed, CheckContext, info, undo_command, warn
from service.api.models import ActionClass, Check
from service.api.words import counted
from service.errors import VSphereBusy, VSphereRefused
from service.jobs.action import JobControl, StepResult
from service.jobs.claims import LiveJob, live_jobs
from service.vsphere.hosts import HostState, enter_maintenance
from service.vsphere.moves import Lodger, lodgers, move_away
from service.vsphere.selectors import lock_key

LIST, MOVE, ENTER = "list the VMs", "move a VM", "enter maintenance mode"
HOLD_A_LEASE = ("backup", "export-ovf", "mount")
"""The actions that read the disks of a VM over an export lease."""
MOST_NAMED = 5
"""Running VMs that are named; the others are counted."""


class EnterMaintenance(HostParams):
    """Which host, and what happens to its VMs."""

    evacuate: bool = Field(
        default=False,
        description="Also move VMs that are powered off or suspended to other hosts of the cluster; where DRS does not "
        "move VMs, move all of them, one by one.",
    )
    timeout_seconds: int = Field(
        default=3600, ge=60, le=86400, description="How long vSphere may wait until no VM runs there, in seconds."
    )


class VmMoved(StepResult):
    """The name of the host that a VM was moved to; empty for a VM that was deleted before it moved."""

    host: str


class VmsToMove(StepResult):
    """The VMs that have to leave the host."""

    vms: list[Lodger]


class HostMaintenanceEnter(HostAction[EnterMaintenance]):
    """vSphere waits until no VM runs there; DRS moves them where it is allowed to, vmkops only when it is asked."""

    name = "host-maintenance-enter"
    summary = "Take a host out of service, once its VMs have moved away."
    action_class = ActionClass.DISRUPTIVE  # VMs move away, and the cluster has one host less
    label = "Put {target} into maintenance mode"
    steps = (CHECK, LIST, MOVE, ENTER)
    params = EnterMaintenance

    def plan_of(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """See `Action.plan_of`: VMs are moved one by one only when that is asked for."""
        return self.steps if params["evacuate"] else (CHECK, ENTER)

    async def checks(self, context: CheckContext[HostState, EnterMaintenance]) -> Iterable[Check]:
        """Whether DRS will move the running VMs, and whether another host is left to run them."""
        host, found = context.state, list(host_checks(context.state))
        if host.in_maintenance_mode:
            return [*found, info("maintenance", f"{host.name} is already in maintenance mode.")]
        if host.running_vms and host.drs != "fullyAutomated":
            more = f" and {len(host.running_vms) - MOST_NAMED} more" if len(host.running_vms) > MOST_NAMED else ""
            names = f"{', '.join(host.running_vms[:MOST_NAMED])}{more}"
            if context.params.evacuate and host.one_by_one:
                found.append(info("running-vms", f"DRS does not move {names}; vmkops moves them one by one."))
            else:
                hint = " Set evacuate=true to have them moved one by one." if host.one_by_one else ""
                message = f"DRS does not move {names}; the job waits until somebody moves or stops them.{hint}"
                found.append(warn("running-vms", message))
        elif host.running_vms:
            found.append(info("running-vms", f"DRS moves {counted(len(host.running_vms), 'running VM')}."))
        found += [warn("lease", _in_the_way(each)) for each in await _leases(context)]
        if host.in_cluster and host.others_in_service == 0:
            found.append(warn("last-host", f"{host.name} is the last host of its cluster that is in service."))
        if host.vsan:
            message = (
                f"{host.name} is part of vSAN. Its objects remain accessible, but some have a copy less while it is "
                "away. First check in the client that no object has reduced redundancy and no resync runs."
            )
            found.append(warn("vsan", message))
        return found

    async def act(self, job: JobControl, context: CheckContext[HostState, EnterMaintenance]) -> dict[str, Any]:
        """Cancelling stops the task: the host stays in service, and VMs that were moved stay where they are."""
        host, params = context.state, context.params
        moved = await self._move_all(job, context) if params.evacuate and host.one_by_one else []

        async def enter() -> Changed:
            try:
                changed = await enter_maintenance(
                    context.session,
                    host.moref,
                    seconds=params.timeout_seconds,
                    # Without DRS, vSphere would wait for somebody to register VMs that are powered off elsewhere.
                    evacuate_powered_off=params.evacuate and bool(host.drs),
                    progress=job.percent,
                )
            except (VSphereBusy, VSphereRefused) as error:
                if words := [_in_the_way(each) for each in await _leases(context)]:
                    raise type(error)(" ".join([str(error), *words])) from error
                raise
            hint = undo_command("host-maintenance-exit", context.typed)
            detail = f"In maintenance mode. {hint}" if changed else "It was already in maintenance mode."
            return Changed(changed=changed, detail=detail)

        done = await job.step_as(Changed, ENTER, enter, interruptible=True)
        result = {"in_maintenance_mode": True, "changed": done.changed}
        return {**result, "moved": moved} if moved else result

    async def _move_all(
        self, job: JobControl, context: CheckContext[HostState, EnterMaintenance]
    ) -> list[dict[str, str]]:
        """Move the VMs one by one, each a recorded part of the step; returns each `vm` with its new `host`."""
        session, host = context.session, context.state

        async def list_vms() -> VmsToMove:
            found = await lodgers(session, host.moref)
            return VmsToMove(vms=found, detail=f"{counted(len(found), 'VM')} to move.")

        async def move(vm: Lodger) -> VmMoved:
            name = await move_away(session, vm, host.moref, job.percent)
            moved_to = f"{vm.name} moved to {name}."
            return VmMoved(host=name, detail=moved_to if name else f"{vm.name} no longer exists.")

        leaving = await job.step_as(VmsToMove, LIST, list_vms)
        moved = []
        for vm in leaving.vms:
            done = await job.step_as(VmMoved, MOVE, partial(move, vm), part=vm.moref, interruptible=True)
            if done.host:
                moved.append({"vm": vm.name, "host": done.host})
        return moved


ACTION = HostMaintenanceEnter()


async def _leases(context: CheckContext[HostState, EnterMaintenance]) -> list[LiveJob]:
    """The jobs whose export lease holds a VM of the host: vSphere then moves it nowhere, however long it waits."""
    vcenter = context.session.vcenter.name
    return await live_jobs({lock_key("vm", vcenter, moref) for moref in context.state.registered}, HOLD_A_LEASE)


def _in_the_way(job: LiveJob) -> str:
    return f"vSphere does not move {job.target} while its disks are read: {job.in_words()}"
