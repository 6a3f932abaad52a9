"""What the actions on a host share: its selector, its state, and the checks before any change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, TypeVar

from pydantic import Field

from service.actions._targeted import TargetedAction, refuse, warn
from service.api.models import Check
from service.api.words import vsphere_words
from service.jobs.action import Params
from service.vsphere.hosts import HOSTS, HostState, find_host, read_host
from service.vsphere.selectors import Located
from service.vsphere.session import Session
from service.vsphere.vcenters import VCenters


class HostParams(Params):
    """Which host."""

    host: str = Field(
        min_length=1,
        max_length=260,
        description="The host: its name, or name: or moref: and the value; prod/ before it means the one in the "
        "vCenter prod.",
    )


P = TypeVar("P", bound=HostParams)


class HostAction(TargetedAction[HostState, P]):
    """An action on one host."""

    kind = "host"
    state = HostState
    things = HOSTS
    params: ClassVar[type[Params]] = HostParams

    async def find(self, vcenters: VCenters, params: P) -> Located:
        """The host that the selector means."""
        return await find_host(vcenters, params.host)

    async def read(self, session: Session, moref: str) -> HostState:
        """The host as it is now."""
        return await read_host(session, moref)


def host_checks(host: HostState) -> Iterator[Check]:
    """Findings before any change of a host."""
    if host.connection_state != "connected":
        yield refuse(
            "not-connected", f"{host.name} is {vsphere_words(host.connection_state)}. Reconnect it in vCenter first."
        )
    if host.tasks:
        yield warn("task-running", f"vSphere tasks are running on {host.name}: {', '.join(host.tasks)}.")
