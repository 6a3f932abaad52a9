"""The fakes around the bot, fresh for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.commands._base import Asked, Desk
from bot.following import Following
from service.api.client import ServiceClient
from tests.bot.clocks import HurriedClock
from tests.bot.fake_service import FakeService
from tests.bot.fake_slack import FakeSlack


@pytest.fixture
async def service() -> AsyncIterator[FakeService]:
    async with FakeService() as running:
        yield running


@pytest.fixture
def time() -> HurriedClock:
    return HurriedClock()


@pytest.fixture
async def slack(time: HurriedClock) -> AsyncIterator[FakeSlack]:
    async with FakeSlack(time.monotonic) as running:
        yield running


@pytest.fixture
async def client(service: FakeService) -> AsyncIterator[ServiceClient]:
    async with ServiceClient(service.url) as opened:
        yield opened


@pytest.fixture
async def following(client: ServiceClient, slack: FakeSlack, time: HurriedClock) -> AsyncIterator[Following]:
    made = Following(client, slack.client, time.clock)
    yield made
    await made.stop()


@pytest.fixture
def asked(client: ServiceClient, slack: FakeSlack, following: Following) -> Asked:
    """U1 asks in the channel C1."""
    desk = Desk(service=client, slack=slack.client, following=following)
    return Asked(user="U1", channel="C1", request_id="1.2.abc", desk=desk)
