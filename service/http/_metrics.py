"""The metrics for Prometheus: how long answers take, and the figures of the service."""

from __future__ import annotations

from functools import cache

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest

from service.figures.collector import Figures

METRICS = "/metrics"
"""The path of the metrics."""

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


def metrics(figures: Figures | None, *, vm_names: bool = True) -> web.Response:
    """The counters of answers in the text format of Prometheus, and the figures of the service where they are given.

    Without `vm_names`, the figures name no VM.
    """
    body = generate_latest() + (figures.text(vm_names=vm_names) if figures else b"")
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
