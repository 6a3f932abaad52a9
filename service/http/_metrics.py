"""How long answers take, counted for Prometheus."""

from __future__ import annotations

from functools import cache

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest

METRICS = "/metrics"
"""The path of the counters."""

REQUESTS = Histogram(
    "vmkops_http_request_seconds",
    "Time to answer, by route and status",
    ["method", "route", "status"],
    buckets=(0.001, 0.005, 0.025, 0.1, 0.5, 2, 10),
)


@cache
def seconds(method: str, route: str, status: int) -> Histogram:
    """The histogram of answers to such requests."""
    # prometheus_client looks the labels up anew at each call, which a lookup would notice.
    return REQUESTS.labels(method, route, status)


async def counters(_request: web.BaseRequest | None = None) -> web.Response:
    """All counters in the text format of Prometheus."""
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
