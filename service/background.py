"""Work that runs in the background of a block of code and ends with it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

R = TypeVar("R")
log = logging.getLogger(__name__)

READ_BYTES = 1 << 20
JOB_CANCELLED = "the job was cancelled"
"""The reason of a cancellation that a person asked for. A process that stops cancels its tasks without a reason."""


async def cancel_and_wait(task: asyncio.Future[Any], reason: str | None = None) -> None:
    """Cancel a task with the message `reason` and wait until it has ended; does nothing for one that has ended.

    Raises what the task raises while it ends. When the caller is cancelled meanwhile, the task is cancelled once more,
    and the caller's cancellation is raised after the task has ended, however the task ends.
    """
    if task.done():
        return
    task.cancel(reason)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
            task.cancel(*error.args[:1])
    if cancelled is not None:
        _log_end(task)
        raise cancelled
    if not task.cancelled():
        task.result()


async def end_because(cause: BaseException, task: asyncio.Future[Any], reason: str | None = None) -> None:
    """Cancel a task and wait until it has ended, while `cause` is on its way to the caller; raise `cause` afterwards.

    `cause` says more than an error of the task, which is only logged. The task gets the message `reason`, or that of
    `cause` when `cause` is a cancellation.
    """
    if reason is None and isinstance(cause, asyncio.CancelledError) and cause.args:
        reason = cause.args[0]
    with contextlib.suppress(Exception):
        await cancel_and_wait(task, reason)
    _log_end(task, cause)


def _log_end(task: asyncio.Future[Any], cause: BaseException | None = None) -> None:
    if not task.cancelled() and (error := task.exception()) not in (None, cause):
        log.info("work that was to end has failed: %s", error)


@contextlib.asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` for as long as the block runs, then cancel it and wait until it has ended.

    When `work` has failed meanwhile, the end of the block raises its error, unless the block itself ends with one.
    """
    task = asyncio.create_task(work)
    try:
        yield
    except BaseException as error:
        await end_because(error, task)
        raise
    await cancel_and_wait(task)
    if not task.cancelled():
        task.result()


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


async def whole_in_thread(do: Callable[..., R], *args: Any) -> R:
    """Call `do` in a thread, and return only when it has ended, also when the caller is cancelled meanwhile.

    So what it uses, such as an open file, can be closed afterwards.
    """
    work = asyncio.ensure_future(asyncio.to_thread(do, *args))
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        _log_end(work, cancelled)
        raise cancelled
    return work.result()


async def wait_for_end(process: asyncio.subprocess.Process) -> None:
    """Wait for the end of a process that was killed.

    What it has sent is read first: when more came than asyncio keeps, it does not notice before that the output, and
    with it the process, has ended.
    """
    if process.stdout is not None:
        with contextlib.suppress(ConnectionError, RuntimeError):  # the latter when somebody else still reads it
            while await process.stdout.read(READ_BYTES):
                pass
    await process.wait()
