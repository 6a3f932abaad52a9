"""Steps of jobs wait while somebody waits for the answer to a request, and never for long."""

from __future__ import annotations

import asyncio

import pytest

from service.jobs import precedence
from service.jobs.precedence import Precedence


async def test_step_waits_until_the_last_request_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "LONGEST_SECONDS", 600.0)
    requests, order = Precedence(), []

    async def step() -> None:
        await requests.calm()
        order.append("step")

    with requests.asked():
        with requests.asked():
            waiting = asyncio.create_task(step())
            await asyncio.sleep(0)
        await asyncio.sleep(4 * precedence.LOOK_SECONDS)
        order.append("answered")
    async with asyncio.timeout(60):
        await waiting

    assert order == ["answered", "step"]


async def test_step_goes_on_beside_requests_that_do_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "LONGEST_SECONDS", 0.1)
    requests = Precedence()
    with requests.asked():
        async with asyncio.timeout(60):
            await requests.calm()


async def test_step_does_not_wait_when_nobody_asks() -> None:
    async with asyncio.timeout(60):
        await Precedence().calm()
