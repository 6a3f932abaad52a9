"""A step that is stopped ends as stopped, however its work ends."""

from __future__ import annotations

import asyncio
from typing import Any

from service.errors import CopyFailed
from service.jobs.job_run import JobRun


async def test_error_of_work_that_is_stopped_does_not_hide_the_stop() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise CopyFailed("the lease could not be ended") from None

    children: Any = None
    step = asyncio.create_task(JobRun("0123", "ann", "", children).interruptible(work))
    await begun.wait()
    step.cancel()
    await asyncio.wait({step})

    assert step.cancelled()
