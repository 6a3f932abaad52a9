"""How long answers take, counted for Prometheus."""

from __future__ import annotations

from functools import cache

from aiohttp import web
from prometheus_client import Histogram

REQUESTS = Histogram(
    "vmkops_http_request_seconds",
    "Time to answer, by route and status",
    ["method", "route", "status"],
    buckets=(0.001, 0.005, 0.025, 0.1, 0.5, 2, 10),
)


def seconds(request: web.Request, status: int) -> Histogram:
    """The histogram for answers to such requests."""
    resource = request.match_info.route.resource
    return _seconds(request.method, resource.canonical if resource else "unknown", status)


@cache
def _seconds(method: str, route: str, status: int) -> Histogram:
    # prometheus_client looks the labels up anew at each call, which a lookup would notice.
    return REQUESTS.labels(method, route, status)
