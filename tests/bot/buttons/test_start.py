"""The button of an action on the card of a procedure starts it like `/action`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.buttons.start import button
from bot.cards.kb import procedure_card
from bot.request import Request
from service.api.client import ActionClass, Check, ServiceError
from tests.bot.cards.test_kb import URL, page
from tests.bot.fake_service import FakeService
from tests.bot.slack_limits import drawn

RESET = {
    "line": 5,
    "command": "vmkops action reset web-01",
    "action": "reset",
    "class": "disruptive",
    "params": {"vm": "web-01"},
}


def element(**changes: str) -> dict[str, Any]:
    card = procedure_card(page(blocks=[{**RESET, **changes}]), URL)
    (buttons,) = [each for each in card.blocks if each["type"] == "actions"]
    first: dict[str, Any] = buttons["elements"][0]
    assert not isinstance(button.action_id, str)
    assert button.action_id.fullmatch(first["action_id"])
    return first


def value() -> str:
    return str(element()["value"])


async def test_button_of_a_disruptive_action_asks_with_its_dry_run(
    slack_request: Request, service: FakeService
) -> None:
    service.vms["web-01"] = {"name": "web-01", "moref": "vm-42"}
    service.action_class = ActionClass.DISRUPTIVE
    reply = await button.run(value(), slack_request)
    assert reply is not None
    assert "Reset web-01?" in drawn(reply.message)
    assert not reply.public
    assert not reply.replaces
    assert service.jobs == {}


def test_dialog_asks_only_where_no_card_follows() -> None:
    assert "confirm" not in element()
    assert "confirm" not in element(**{"class": "destructive"})
    assert element(**{"class": "safe"})["confirm"]["title"]["text"] == "Start this action?"


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
