"""Takes a host back into service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from service.actions._host import HostAction, HostParams, host_checks
from service.actions._targeted import CHECK, CheckContext, info, undo
from service.api.models import Check
from service.jobs.action import JobControl
from service.vsphere.hosts import HostState, exit_maintenance

EXIT = "exit maintenance mode"


class ExitMaintenance(HostParams):
    """Which host."""

    timeout_seconds: int = Field(default=600, ge=60, le=86400, description="How long it may take, in seconds.")


class HostMaintenanceExit(HostAction[ExitMaintenance]):
    """In service, or nothing where it is."""

    name = "host-maintenance-exit"
    summary = "Take a host back into service; VMs may run there again."
    steps = (CHECK, EXIT)
    params = ExitMaintenance

    async def checks(self, context: CheckContext[HostState, ExitMaintenance]) -> Iterable[Check]:
        """A host in service stays as it is."""
        idle = (
            [] if context.state.in_maintenance_mode else [info("maintenance", f"{context.state.name} is in service.")]
        )
        return [*host_checks(context.state), *idle]

    async def act(self, job: JobControl, context: CheckContext[HostState, ExitMaintenance]) -> dict[str, Any]:
        """One task of vSphere's."""
        host, seconds = context.state, context.params.timeout_seconds

        async def leave() -> dict[str, Any]:
            changed = await exit_maintenance(context.session, host.moref, seconds=seconds)
            hint = undo(f"action host-maintenance-enter {host.name}")
            return {"changed": changed, "detail": f"In service. {hint}" if changed else "It was so already."}

        done = await job.step(EXIT, leave, interruptible=True)
        return {"in_maintenance_mode": False, "changed": done["changed"]}


ACTION = HostMaintenanceExit()
