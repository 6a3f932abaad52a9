"""Lets a host look for new LUNs and VMFS volumes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from service.actions._host import HostAction, HostParams, host_checks
from service.actions._rescan import HBAS, VMFS, rescan
from service.actions._targeted import CHECK, CheckContext, refuse
from service.api.models import Check
from service.jobs.action import JobControl
from service.vsphere.hosts import HostState
from service.vsphere.storage import HostStorage, read_storage

BEFORE = "note what is seen"


class RescanHost(HostParams):
    """Which host, and which of its adapters."""

    hba: str = Field(default="", max_length=40, description="One adapter, such as vmhba64; all when it is left out.")


class Rescan(HostAction[RescanHost]):
    """Harmless when done twice."""

    name = "rescan"
    summary = "Rescan a host's HBAs, then its VMFS volumes, and name what is new."
    steps = (CHECK, BEFORE, HBAS, VMFS)
    params = RescanHost

    async def checks(self, context: CheckContext[HostState, RescanHost]) -> Iterable[Check]:
        """The adapter has to be there."""
        host, hba = context.state, context.params.hba
        found = list(host_checks(host))
        if hba and host.connection_state == "connected":
            known = [each.device for each in (await read_storage(context.session, host.moref)).hbas]
            if hba not in known:
                found.append(refuse("hba", f"{host.name} has no {hba}; it has {', '.join(known)}."))
        return found

    async def act(self, job: JobControl, context: CheckContext[HostState, RescanHost]) -> dict[str, Any]:
        """What is seen before, so that what is new can be named; then the two scans."""
        host = context.state

        async def note() -> dict[str, Any]:
            seen = await read_storage(context.session, host.moref)
            return {"seen": seen.model_dump(mode="json"), "detail": f"{len(seen.luns)} LUNs, {len(seen.volumes)} VMFS"}

        before = HostStorage.model_validate((await job.step(BEFORE, note))["seen"])
        return await rescan(job, context.session, host.moref, context.params.hba, before)


ACTION = Rescan()
