"""Whether the service is there, whether it can work, and its counters."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from service.api.models import Value
from service.http._route import Call, Query, Route


class Health(Value):
    """`ok` when the service answers; each part says more about itself under /readyz."""

    status: str
    parts: dict[str, Any]


async def _health(call: Call[Query, None]) -> Health:
    return Health(status="ok", parts={})


async def _ready(call: Call[Query, None]) -> Health:
    parts = {name: ask() for name, ask in call.services.health.items()}
    return Health(status="ok", parts=parts)


async def _metrics(call: Call[Query, None]) -> web.StreamResponse:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


ROUTES = (
    Route(method="GET", path="/healthz", summary="Whether the service answers", handle=_health, answer=Health),
    Route(method="GET", path="/readyz", summary="What each part says about itself", handle=_ready, answer=Health),
    Route(method="GET", path="/metrics", summary="Counters for Prometheus", handle=_metrics, media="text/plain"),
)
