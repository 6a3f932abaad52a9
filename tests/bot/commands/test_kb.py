"""`/kb` shows the procedure of that name, or the best matches for the words."""

from __future__ import annotations

import pytest

from bot.arguments import UsageError
from bot.commands.kb import ProcedureQuery, command, parse
from bot.request import Request
from service.api.client import Problem, ServiceError
from tests.bot.cards.test_kb import page
from tests.bot.fake_service import FakeService
from tests.bot.slack_limits import assert_slack_takes, drawn


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


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [
        ("reset-lun", ProcedureQuery("reset-lun", "reset-lun", {})),
        ("reset-lun vm=web-01", ProcedureQuery("reset-lun", "reset-lun", {"vm": "web-01"})),
        (
            "reset-lun vm=“web 01” host=esx-07",
            ProcedureQuery("reset-lun", "reset-lun", {"vm": "web 01", "host": "esx-07"}),
        ),
        ("reset-lun of an array", ProcedureQuery("reset-lun of an array", None, {})),
        ("why vm=web-01", ProcedureQuery("why vm=web-01", None, {})),
    ],
)
def test_name_with_targets_is_told_from_words(typed: str, parsed: ProcedureQuery) -> None:
    assert parse(typed) == parsed


def test_unknown_target_is_wrong_use() -> None:
    with pytest.raises(UsageError, match="disk is not a target"):
        parse("reset-lun disk=1")


async def test_procedure_for_a_vm_has_a_button_for_each_action_that_may_start(
    slack_request: Request, service: FakeService
) -> None:
    refused = {"line": 3, "command": "vmkops action power-off web-01", "action": "", "params": {}}
    allowed = {"line": 5, "command": "vmkops action reset web-01", "action": "reset", "params": {"vm": "web-01"}}
    service.procedures = [page(blocks=[refused, allowed])]
    reply = await command.answer("reset-lun vm=web-01", slack_request)
    assert reply is not None
    assert_slack_takes(reply.message)
    (buttons,) = [block for block in reply.message.blocks if block["type"] == "actions"]
    assert [each["text"]["text"] for each in buttons["elements"]] == ["Start reset", "Work through it as a team"]
    (call,) = service.called("/procedures/reset-lun/live")
    assert call.on_behalf_of == "slack:U1"


async def test_weak_match_is_shown_only_to_the_user(slack_request: Request, service: FakeService) -> None:
    service.procedures = [page(title="Dance of the LUNs", weak=True)]
    reply = await command.answer("dance", slack_request)
    assert reply is not None
    assert not reply.public
