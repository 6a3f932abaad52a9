"""`/vmkerr` answers in the channel, and tells the asker alone what is wrong with a question."""

from __future__ import annotations

import pytest

from bot.command_text import UsageError
from bot.commands._base import Asked
from bot.commands.vmkerr import Lookup, command, parse
from service.api.client import Problem, ServiceError
from tests.bot.examples import BOTH_READINGS
from tests.bot.fake_service import FakeService
from tests.bot.slack_limits import drawn


def test_query_and_release_are_read() -> None:
    assert parse("reservation conflict release=esxi-6.0") == Lookup("reservation conflict", "esxi-6.0")
    assert parse("0xbad0022") == Lookup("0xbad0022", None)


@pytest.mark.parametrize("typed", ["", "   ", "release=esxi-6.0", "``"])
def test_nothing_to_look_up_is_a_wrong_use(typed: str) -> None:
    with pytest.raises(UsageError):
        parse(typed)


async def test_both_readings_are_answered_in_the_channel(asked: Asked, service: FakeService) -> None:
    service.meanings["0xbad0022"] = BOTH_READINGS
    reply = await command.answer("0xbad0022", asked)
    assert reply is not None
    assert reply.public
    assert "SCSI reservation conflict" in drawn(reply.message)
    assert "Read only" in drawn(reply.message)
    assert "asked by <@U1>" in drawn(reply.message)


@pytest.mark.parametrize("query", ["0x/../etc", "50%", "🔥", "a?b#c"])
async def test_odd_query_reaches_the_service_whole(asked: Asked, service: FakeService, query: str) -> None:
    service.meanings[query] = BOTH_READINGS
    assert await command.answer(query, asked) is not None


async def test_refusal_of_the_service_is_passed_on(asked: Asked, service: FakeService) -> None:
    service.refusals["/vmkerr"] = Problem(title="Invalid params", status=400)
    with pytest.raises(ServiceError, match="Invalid params"):
        await command.answer("0xzz", asked)


async def test_unknown_release_suggests_whole_commands(asked: Asked, service: FakeService) -> None:
    service.refusals["/vmkerr"] = Problem(title="Invalid params", status=400, suggestions=["esx-3.5", "esxi-6.0"])
    with pytest.raises(ServiceError) as refused:
        await command.answer("0xbad0022 release=vista", asked)
    assert refused.value.problem.suggestions == ["0xbad0022 release=esx-3.5", "0xbad0022 release=esxi-6.0"]


async def test_release_that_was_imported_into_the_service_is_suggested_as_one(
    asked: Asked, service: FakeService
) -> None:
    service.releases.append("esxi-8.0u2")
    service.refusals["/vmkerr"] = Problem(title="Invalid params", status=400, suggestions=["esxi-8.0u2", "VMK_BUSY"])
    with pytest.raises(ServiceError) as refused:
        await command.answer("0xbad0022 release=vista", asked)
    assert refused.value.problem.suggestions == ["0xbad0022 release=esxi-8.0u2", "VMK_BUSY"]


async def test_wrong_use_is_told_to_the_asker_with_the_usage(asked: Asked) -> None:
    reply = await command.answer("", asked)
    assert reply is not None
    assert not reply.public
    assert f"Usage: `{command.usage}`" in drawn(reply.message)
