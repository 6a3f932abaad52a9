"""The web application: every route behind the one edge, and counters of what was asked."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import date
from functools import cache
from pathlib import Path

from aiohttp import web
from prometheus_client import Histogram

from service.http._edge import BODY_LIMIT, MEMORY, Memory, bind, edge
from service.http._render import WEB
from service.http._route import SERVICES, Services, all_routes

REQUESTS = Histogram(
    "vmkops_http_request_seconds",
    "Time to answer, by route and status",
    ["method", "route", "status"],
    buckets=(0.001, 0.005, 0.025, 0.1, 0.5, 2, 10),
)


@web.middleware
async def measured(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer behind the edge, and count the answer and its time."""
    began = time.perf_counter()
    response = await edge(request, handler)
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "unknown"
    _counter(request.method, route, response.status).observe(time.perf_counter() - began)
    return response


@cache
def _counter(method: str, route: str, status: int) -> Histogram:
    # prometheus_client makes the labels anew at each call, which a lookup would notice.
    return REQUESTS.labels(method, route, status)


def make_app(services: Services) -> web.Application:
    """The application that answers every declared route."""
    app = web.Application(middlewares=[measured], client_max_size=BODY_LIMIT)
    app[SERVICES] = services
    releases = services.settings.data_dir / "releases"
    app[MEMORY] = Memory(lambda: (date.today(), services.procedures.revision, sorted(_stamps(releases))))
    for route in all_routes():
        app.router.add_route(route.method, route.path, bind(route))
    app.router.add_static("/static", WEB / "static")
    return app


def _stamps(folder: Path) -> list[tuple[str, int]]:
    return [(item.name, item.stat().st_mtime_ns) for item in folder.glob("*")] if folder.is_dir() else []
