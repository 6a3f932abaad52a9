"""Rescans a host for new LUNs and VMFS volumes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from service.actions._host import HostAction, HostParams, host_checks
from service.actions._rescan import HBAS, VMFS, rescan
from service.actions._targeted import CHECK, CheckContext, refuse
from service.api.models import ActionClass, Check
from service.api.words import counted
from service.jobs.action import JobControl, StepResult
from service.vsphere.hosts import HostState
from service.vsphere.storage import HostStorage, read_storage

BEFORE = "note what is seen"


class Before(StepResult):
    """The host's storage before the rescan."""

    seen: HostStorage


class RescanHost(HostParams):
    """Which host, and which of its adapters."""

    hba: str = Field(default="", max_length=40, description="One adapter, such as vmhba64; by default all of them.")


class Rescan(HostAction[RescanHost]):
    """Doing it twice does no harm."""

    name = "rescan"
    summary = "Rescan a host's HBAs, then its VMFS volumes, and list what is new."
    action_class = ActionClass.SAFE  # I/O continues meanwhile
    steps = (CHECK, BEFORE, HBAS, VMFS)
    params = RescanHost

    async def checks(self, context: CheckContext[HostState, RescanHost]) -> Iterable[Check]:
        """Whether the host has the adapter."""
        host, hba = context.state, context.params.hba
        found = list(host_checks(host))
        if hba and host.connection_state == "connected":
            known = [each.device for each in (await read_storage(context.session, host.moref)).hbas]
            if hba not in known:
                found.append(refuse("hba", f"{host.name} has no adapter {hba}. It has: {', '.join(known)}."))
        return found

    async def act(self, job: JobControl, context: CheckContext[HostState, RescanHost]) -> dict[str, Any]:
        """Record what the host has, then rescan, so that the result can list what is new."""
        host = context.state

        async def read() -> Before:
            seen = await read_storage(context.session, host.moref)
            detail = f"{counted(len(seen.luns), 'LUN')}, {counted(len(seen.volumes), 'VMFS volume')}"
            return Before(seen=seen, detail=detail)

        before = await job.step_as(Before, BEFORE, read)
        return await rescan(job, context.session, host.moref, context.params.hba, before.seen)


ACTION = Rescan()
