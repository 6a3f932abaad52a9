"""`/vmkerr` replies in the channel, and shows an error only to the user."""

from __future__ import annotations

import pytest

from bot.arguments import UsageError
from bot.commands.vmkerr import Lookup, command, parse
from bot.request import Request
from service.api.client import Problem, ServiceError
from tests.bot.examples import BOTH_READINGS
from tests.bot.fake_service import FakeService
from tests.bot.slack_limits import drawn


def test_query_and_release_are_parsed() -> None:
    assert parse("reservation conflict release=esxi-6.0") == Lookup("reservation conflict", "esxi-6.0")
    assert parse("0xbad0022") == Lookup("0xbad0022", None)


@pytest.mark.parametrize("typed", ["", "   ", "release=esxi-6.0", "``"])
def test_missing_query_is_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        parse(typed)


async def test_both_meanings_are_shown_in_the_channel(slack_request: Request, service: FakeService) -> None:
    service.meanings["0xbad0022"] = BOTH_READINGS
    reply = await command.answer("0xbad0022", slack_request)
    assert reply is not None
    assert reply.public
    assert "SCSI reservation conflict" in drawn(reply.message)
    assert "Read only" in drawn(reply.message)
    assert "requested by <@U1>" in drawn(reply.message)


@pytest.mark.parametrize("query", ["0x/../etc", "50%", "🔥", "a?b#c"])
async def test_special_characters_reach_the_service_unchanged(
    slack_request: Request, service: FakeService, query: str
) -> None:
    service.meanings[query] = BOTH_READINGS
    assert await command.answer(query, slack_request) is not None


async def test_refusal_of_the_service_is_passed_on(slack_request: Request, service: FakeService) -> None:
    service.refusals["/vmkerr"] = Problem(title="Invalid params", status=400)
    with pytest.raises(ServiceError, match="Invalid params"):
        await command.answer("0xzz", slack_request)


async def test_unknown_release_suggests_whole_commands(slack_request: Request, service: FakeService) -> None:
    service.refusals["/vmkerr"] = Problem(title="Invalid params", status=400, suggestions=["esx-3.5", "esxi-6.0"])
    with pytest.raises(ServiceError) as refused:
        await command.answer("0xbad0022 release=vista", slack_request)
    assert refused.value.problem.suggestions == ["0xbad0022 release=esx-3.5", "0xbad0022 release=esxi-6.0"]


async def test_imported_release_is_suggested_as_a_release(slack_request: Request, service: FakeService) -> None:
    service.releases.append("esxi-8.0u2")
    service.refusals["/vmkerr"] = Problem(title="Invalid params", status=400, suggestions=["esxi-8.0u2", "VMK_BUSY"])
    with pytest.raises(ServiceError) as refused:
        await command.answer("0xbad0022 release=vista", slack_request)
    assert refused.value.problem.suggestions == ["0xbad0022 release=esxi-8.0u2", "VMK_BUSY"]


async def test_missing_query_is_answered_to_the_user_with_the_usage(slack_request: Request) -> None:
    reply = await command.answer("", slack_request)
    assert reply is not None
    assert not reply.public
    assert f"Usage: `{command.usage}`" in drawn(reply.message)
