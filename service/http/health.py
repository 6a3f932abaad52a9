"""Whether the service is there, whether it can work, and its metrics."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from pydantic import Field

from service.api.models import Value
from service.http._metrics import METRICS, metrics
from service.http._route import Call, Query, Route
from service.store.tokens import Scope
from service.vsphere.examine import examine


class Health(Value):
    """`ok` when the service answers; with a token, each part reports more about itself under /readyz."""

    status: str
    parts: dict[str, Any]


async def _health(call: Call[Query, None]) -> Health:
    return Health(status="ok", parts={})


class ReadyQuery(Query):
    """What to examine beside the parts."""

    vcenter: str = Field(
        default="",
        max_length=63,
        description="The vCenter or host, by its name in the settings, to examine as `vmkops doctor --vcenter` does; "
        "needs a token.",
    )


async def _ready(call: Call[ReadyQuery, None]) -> Health:
    signed_in = call.actor is not None
    parts = {name: ask() for name, ask in call.services.health.items()} if signed_in else {}
    if signed_in and call.query.vcenter:
        session = call.services.context.vcenters.link(call.query.vcenter).session
        parts["vcenter_checks"] = [each.model_dump(mode="json") for each in await examine(session)]
    return Health(status="ok", parts=parts)


async def _metrics(call: Call[Query, None]) -> web.StreamResponse:
    # Names of VMs and vCenters need a token, as everywhere.
    return metrics(call.services.figures if call.actor and Scope.READ in call.actor.scopes else None)


ROUTES = (
    Route(
        method="GET", path="/healthz", summary="Whether the service answers", handle=_health, answer=Health, health=True
    ),
    Route(
        method="GET",
        path="/readyz",
        summary="Whether the service can work; with a token, what each part reports",
        handle=_ready,
        answer=Health,
        query=ReadyQuery,
        errors=(404,),
        health=True,
    ),
    Route(
        method="GET",
        path=METRICS,
        summary="Metrics for Prometheus; with a token, also those of jobs, backups, schedules and vCenters",
        handle=_metrics,
        media="text/plain",
    ),
)
