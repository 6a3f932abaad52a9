"""Work that runs in the background of a block of code and ends with it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)

JOB_CANCELLED = "the job was cancelled"
"""The reason of a cancellation that a person asked for. A process that stops cancels its tasks without a reason."""


async def cancel_and_wait(task: asyncio.Future[Any], reason: str | None = None) -> None:
    """Cancel a task with the message `reason` and wait until it has ended; does nothing for one that has ended.

    Raises what the task raises while it ends.
    """
    if not task.done():
        task.cancel(reason)
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` for as long as the block runs, then cancel it and wait until it has ended.

    When `work` has failed meanwhile, the end of the block raises its error.
    """
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def every(
    seconds: float, do: Callable[[], Awaitable[None]], *, name: str, first_after: float = 0
) -> AsyncIterator[None]:
    """Call `do` again and again for as long as the block runs, with a pause of `seconds` after each call.

    The first call comes after `first_after` seconds. An error in `do` is logged under `name` and does not end the
    repetition.
    """

    async def repeat() -> None:
        await asyncio.sleep(first_after)
        while True:
            try:
                await do()
            except Exception:
                log.exception("%s failed; next attempt in %g seconds", name, seconds)
            await asyncio.sleep(seconds)

    async with running(repeat()):
        yield
