"""Trying again, with growing pauses, what failed for a reason that passes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from service.errors import VmkopsError

R = TypeVar("R")
log = logging.getLogger(__name__)

ON_PURPOSE = "the job was cancelled"
"""The message of a cancellation that somebody asked for; a process that stops cancels without one."""
PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds between tries; the last is repeated."""


async def retry(do: Callable[[], Awaitable[R]], *, seconds: float, of: type[VmkopsError] = VmkopsError) -> R:
    """Do it, and again while it fails with a retryable error and `seconds` are not over; then raise that error.

    Only errors `of` a kind are waited out.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    attempt = 0
    while True:
        try:
            return await do()
        except VmkopsError as error:
            pause = PAUSES[min(attempt, len(PAUSES) - 1)]
            if not isinstance(error, of) or not error.retryable or loop.time() + pause > deadline:
                raise
            log.info("trying again in %g seconds: %s", pause, error)
            attempt += 1
            await asyncio.sleep(pause)
