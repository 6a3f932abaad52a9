"""Lookups that run in a parser process, and end when their caller leaves."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from aiohttp import web

from service.background import end_because
from service.http._route import AnyCall, Services

A = TypeVar("A")

LOOK_SECONDS = 0.25
"""How often it is checked whether the caller of a long lookup is still there."""


async def run_worker(call: AnyCall, function: str, answer: type[A], **arguments: Any) -> A:
    """What `Workers.run` returns and raises; the work is cancelled when the caller closes the connection."""
    return await run_for(call.request, call.services, function, answer, **arguments)


async def run_for(request: web.Request, services: Services, function: str, answer: type[A], **arguments: Any) -> A:
    """The same for a request.

    aiohttp can cancel either every handler when its caller leaves, or none. A call that starts a job must outlive its
    caller, so no handler is cancelled, and lookups look for themselves.
    """
    task = asyncio.ensure_future(services.context.workers.run(function, answer, **arguments))
    try:
        while not (await asyncio.wait([task], timeout=LOOK_SECONDS))[0]:
            transport = request.transport
            if transport is None or transport.is_closing():
                raise asyncio.CancelledError("the caller has left")
        return task.result()
    except BaseException as error:
        await end_because(error, task)
        raise
