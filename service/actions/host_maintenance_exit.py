"""Ends the maintenance mode of a host."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from service.actions._host import HostAction, HostParams, host_checks
from service.actions._targeted import CHECK, Changed, CheckContext, info, undo_command
from service.api.models import ActionClass, Check
from service.jobs.action import JobControl
from service.vsphere.hosts import HostState, exit_maintenance

EXIT = "exit maintenance mode"


class ExitMaintenance(HostParams):
    """Which host."""

    timeout_seconds: int = Field(
        default=600, ge=60, le=86400, description="How long the host may take to leave maintenance mode, in seconds."
    )


class HostMaintenanceExit(HostAction[ExitMaintenance]):
    """Does nothing for a host that is in service."""

    name = "host-maintenance-exit"
    summary = "Take a host back into service; VMs may run there again."
    action_class = ActionClass.SAFE  # stops nothing; DRS moves running VMs without a pause
    steps = (CHECK, EXIT)
    params = ExitMaintenance

    async def checks(self, context: CheckContext[HostState, ExitMaintenance]) -> Iterable[Check]:
        """A host that is in service is not changed."""
        found = list(host_checks(context.state))
        if not context.state.in_maintenance_mode:
            found.append(info("maintenance", f"{context.state.name} is already in service."))
        return found

    async def act(self, job: JobControl, context: CheckContext[HostState, ExitMaintenance]) -> dict[str, Any]:
        """One vSphere task."""
        host, seconds = context.state, context.params.timeout_seconds

        async def leave() -> Changed:
            changed = await exit_maintenance(context.session, host.moref, seconds=seconds)
            hint = undo_command("host-maintenance-enter", context.typed)
            return Changed(changed=changed, detail=f"In service. {hint}" if changed else "It was already in service.")

        done = await job.step_as(Changed, EXIT, leave, interruptible=True)
        return {"in_maintenance_mode": False, "changed": done.changed}


ACTION = HostMaintenanceExit()
