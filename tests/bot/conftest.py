"""The fake services around the bot, new for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.jobs.confirmations import Confirmations
from bot.jobs.updates import JobUpdates
from bot.request import Deps, Request
from service.api.client import ServiceClient
from tests.bot.clocks import HurriedClock
from tests.bot.fake_service import FakeService
from tests.bot.fake_slack import BOT_TOKEN, FakeSlack


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
async def updates(client: ServiceClient, slack: FakeSlack, time: HurriedClock) -> AsyncIterator[JobUpdates]:
    made = JobUpdates(client, slack.client, time.clock)
    yield made
    await made.stop()


@pytest.fixture
def slack_request(client: ServiceClient, slack: FakeSlack, updates: JobUpdates) -> Request:
    """A request of user U1 in channel C1."""
    deps = Deps(service=client, slack=slack.client, updates=updates, confirmations=Confirmations(BOT_TOKEN))
    return Request(user="U1", channel="C1", trigger_id="1.2.abc", deps=deps)
