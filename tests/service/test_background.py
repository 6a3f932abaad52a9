"""Background work ends with its block, and one failure does not end a repetition."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from service.background import cancel_and_wait, end_because, every, running


async def test_repetition_goes_on_after_an_error_and_ends_with_the_block(caplog: pytest.LogCaptureFixture) -> None:
    called: list[int] = []
    enough = asyncio.Event()

    async def do() -> None:
        called.append(len(called))
        if len(called) == 1:
            raise ValueError("a defect")
        enough.set()

    async with every(0, do, name="the sweep"):
        async with asyncio.timeout(30):
            await enough.wait()

    calls = len(called)
    await asyncio.sleep(0)
    assert len(called) == calls
    assert "the sweep failed" in caplog.text


async def test_first_call_can_come_later() -> None:
    called: list[str] = []

    async def do() -> None:
        called.append("now")

    async with every(0, do, name="the renewal", first_after=3600):
        await asyncio.sleep(0)

    assert called == []


async def test_background_work_has_ended_when_the_block_is_left() -> None:
    ended = asyncio.Event()
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with running(work()):
        await begun.wait()

    assert ended.is_set()


async def test_error_of_background_work_is_raised_at_the_end_of_the_block() -> None:
    async def work() -> None:
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        async with running(work()):
            await asyncio.sleep(0)


async def test_task_learns_why_it_is_ended() -> None:
    reasons: list[tuple[object, ...]] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            reasons.append(error.args)
            raise

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await cancel_and_wait(task, "the job was cancelled")

    assert reasons == [("the job was cancelled",)]


class Slow:
    """Work that takes its time to end; `reasons` are the messages of its cancellations."""

    def __init__(self, ends_with: Exception | None = None) -> None:
        self.begun, self.ending, self.may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.reasons: list[tuple[object, ...]] = []
        self.ends_with = ends_with
        self.ended = False

    async def work(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.ending.set()
            while not self.may_end.is_set():
                try:
                    await self.may_end.wait()
                except asyncio.CancelledError as error:
                    self.reasons.append(error.args)
            self.ended = True
            if self.ends_with is not None:
                raise self.ends_with from None
            raise


async def _in_the_block(slow: Slow) -> None:
    async with running(slow.work()):
        await slow.begun.wait()


async def _directly(slow: Slow) -> None:
    task = asyncio.create_task(slow.work())
    await slow.begun.wait()
    await cancel_and_wait(task)


async def _because(slow: Slow) -> None:
    task = asyncio.create_task(slow.work())
    await slow.begun.wait()
    await end_because(ValueError("a defect"), task)


@pytest.mark.parametrize("ends_with", [None, ValueError("a defect")], ids=["cancelled", "with an error"])
@pytest.mark.parametrize("waiting", [_in_the_block, _directly, _because])
async def test_cancellation_of_who_waits_for_the_end_of_work_is_not_lost(
    waiting: Callable[[Slow], Coroutine[Any, Any, None]], ends_with: Exception | None
) -> None:
    slow = Slow(ends_with)
    caller = asyncio.create_task(waiting(slow))
    await slow.ending.wait()

    caller.cancel("the process stops")
    await asyncio.wait({caller}, timeout=0)
    assert not caller.done()
    slow.may_end.set()
    await asyncio.wait({caller})

    assert caller.cancelled()
    assert slow.ended
    assert slow.reasons == [("the process stops",)]


async def test_cancelled_block_stays_cancelled_whatever_its_work_has_failed_with(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")

    async def fails() -> None:
        raise ValueError("a defect")

    async def block() -> None:
        async with running(fails()):
            await asyncio.Event().wait()

    task = asyncio.create_task(block())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})

    assert task.cancelled()
    assert "a defect" in caplog.text
