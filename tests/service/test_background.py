"""Background work ends with its block, and one failure does not end a repetition."""

from __future__ import annotations

import asyncio

import pytest

from service.background import cancel_and_wait, every, running


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
