"""The button of an action on the card of a procedure starts it like `/action`."""

from __future__ import annotations

import pytest

from bot.buttons.start import button
from bot.cards.kb import procedure_card
from bot.request import Request
from service.api.client import Check, ServiceError
from tests.bot.cards.test_kb import URL, page
from tests.bot.fake_service import FakeService

RESET = {"line": 5, "command": "vmkops action reset web-01", "action": "reset", "params": {"vm": "web-01"}}


def value() -> str:
    (buttons,) = [each for each in procedure_card(page(blocks=[RESET]), URL).blocks if each["type"] == "actions"]
    element = buttons["elements"][0]
    assert not isinstance(button.action_id, str)
    assert button.action_id.fullmatch(element["action_id"])
    return str(element["value"])


async def test_action_starts_on_behalf_of_the_user_who_clicked(slack_request: Request, service: FakeService) -> None:
    service.vms["web-01"] = {"name": "web-01", "moref": "vm-42"}
    assert await button.run(value(), slack_request) is None
    (call,) = [call for call in service.called("/actions/reset") if call.path == "/actions/reset"]
    assert (call.on_behalf_of, call.body["params"]) == ("slack:U1", {"vm": "web-01"})


async def test_action_that_is_refused_meanwhile_does_not_start(slack_request: Request, service: FakeService) -> None:
    service.vms["web-01"] = {"name": "web-01", "moref": "vm-42"}
    service.checks = [Check(rule="x", severity="refuse", message="A backup is running.")]
    with pytest.raises(ServiceError, match="A backup is running"):
        await button.run(value(), slack_request)
    assert [call.path for call in service.called("/actions/reset")] == ["/actions/reset/check"]
