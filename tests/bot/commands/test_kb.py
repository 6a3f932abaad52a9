"""`/kb` shows the procedure of that name, or the best matches for the words."""

from __future__ import annotations

import pytest

from bot.commands.kb import command
from bot.request import Request
from service.api.client import Problem, ServiceError
from tests.bot.cards.test_kb import page
from tests.bot.fake_service import FakeService
from tests.bot.slack_limits import drawn


async def test_name_shows_the_procedure_in_the_channel(slack_request: Request, service: FakeService) -> None:
    service.procedures = [page()]
    reply = await command.answer("reset-lun", slack_request)
    assert reply is not None
    assert reply.public
    assert drawn(reply.message).startswith("Reset a LUN\n")


async def test_words_with_a_hyphen_that_are_no_name_are_searched(slack_request: Request, service: FakeService) -> None:
    service.procedures = [page(title="All-paths-down")]
    reply = await command.answer("all-paths", slack_request)
    assert reply is not None
    assert reply.public
    assert "*All-paths-down* `reset-lun`" in drawn(reply.message)


async def test_code_without_a_procedure_is_explained_in_the_channel(
    slack_request: Request, service: FakeService
) -> None:
    service.lookups = [{"command": "vmkerr", "query": "0xbad0014", "meaning": "Out of memory"}]
    reply = await command.answer("0xbad0014", slack_request)
    assert reply is not None
    assert reply.public
    assert "`/vmkerr 0xbad0014`" in drawn(reply.message)


async def test_search_without_a_result_is_shown_only_to_the_user(slack_request: Request) -> None:
    reply = await command.answer("dance", slack_request)
    assert reply is not None
    assert not reply.public


async def test_other_errors_are_passed_on(slack_request: Request, service: FakeService) -> None:
    service.refusals["/procedures"] = Problem(title="Unavailable", status=503)
    with pytest.raises(ServiceError, match="Unavailable"):
        await command.answer("reset-lun", slack_request)


async def test_weak_match_is_shown_only_to_the_user(slack_request: Request, service: FakeService) -> None:
    service.procedures = [page(title="Dance of the LUNs", weak=True)]
    reply = await command.answer("dance", slack_request)
    assert reply is not None
    assert not reply.public
