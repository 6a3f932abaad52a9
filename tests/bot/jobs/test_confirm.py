"""A disruptive action starts after the yes of the person who asked, once, and only if it is still what was shown."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bot.blocks import Reply
from bot.buttons import confirm as confirm_button
from bot.buttons import decline as decline_button
from bot.cards.confirmation import CONFIRM, DECLINE, NOT_THE_NAME
from bot.jobs.start import start_job
from bot.request import Request
from service.api.client import ActionClass, Check, Problem, ServiceError, TypeAgainHint
from tests.bot.fake_service import Call, FakeService
from tests.bot.fake_slack import FakeSlack
from tests.bot.slack_limits import assert_slack_takes, drawn

confirm, decline = confirm_button.button.run, decline_button.button.run


@pytest.fixture
def service(service: FakeService) -> FakeService:
    service.vms["web-01"] = {"name": "web-01", "moref": "vm-42"}
    service.action_class = ActionClass.DISRUPTIVE
    service.checks = [Check(rule="guest", severity="warn", message="The guest is not asked.")]
    return service


async def ask(request: Request, **params: str) -> Reply:
    reply = await start_job(request, "power-off", {"vm": "web-01", **params}, command="/action power-off")
    assert reply is not None
    assert_slack_takes(reply.message)
    return reply


def buttons(reply: Reply) -> list[dict[str, Any]]:
    return [each for block in reply.message.blocks if block["type"] == "actions" for each in block["elements"]]


def value(reply: Reply) -> str:
    yes, no = buttons(reply)
    assert yes["value"] == no["value"]
    return str(yes["value"])


def started(service: FakeService) -> list[Call]:
    """The calls that start an action, without pre-flight checks."""
    return [call for call in service.called("/actions/") if not call.path.endswith("/check")]


def pressed_by(request: Request, user: str) -> Request:
    return dataclasses.replace(request, user=user, trigger_id="3.4.def")


@pytest.mark.parametrize("action_class", [ActionClass.DISRUPTIVE, ActionClass.DESTRUCTIVE])
async def test_card_shows_what_is_hit_and_the_checks_and_starts_nothing(
    slack_request: Request, service: FakeService, slack: FakeSlack, action_class: ActionClass
) -> None:
    service.action_class = action_class
    reply = await ask(slack_request)
    assert not reply.public
    lines = drawn(reply.message).splitlines()
    assert lines[:3] == ["*Power off web-01?*", "`vm=web-01`", "•  ⚠️ The guest is not asked."]
    assert lines[3] == f"{action_class} action · steps: check"
    yes, no = buttons(reply)
    assert (yes["action_id"], yes["text"]["text"], yes["style"]) == (CONFIRM, "Power off web-01", "danger")
    assert (no["action_id"], no["text"]["text"]) == (DECLINE, "Cancel")
    assert slack.calls == []
    assert started(service) == []


@pytest.mark.parametrize("action_class", [ActionClass.READ, ActionClass.SAFE])
async def test_safe_action_starts_at_once(
    slack_request: Request, service: FakeService, action_class: ActionClass
) -> None:
    service.action_class = action_class
    assert await start_job(slack_request, "rescan", {"vm": "web-01"}, command="/action rescan") is None
    assert len(started(service)) == 1


async def test_refusal_of_the_checks_has_no_button(slack_request: Request, service: FakeService) -> None:
    service.checks = [Check(rule="template", severity="refuse", message="It is a template.")]
    with pytest.raises(ServiceError, match="It is a template"):
        await ask(slack_request)


async def test_yes_starts_the_action_and_replaces_the_card(
    slack_request: Request, service: FakeService, slack: FakeSlack
) -> None:
    card = await ask(slack_request)
    reply = await confirm(value(card), pressed_by(slack_request, "U1"))
    assert reply is not None
    assert reply.replaces
    assert buttons(reply) == []
    assert "*Power off web-01*: confirmed by <@U1> at " in drawn(reply.message)
    (act,) = started(service)
    assert (act.path, act.body["params"], act.on_behalf_of) == ("/actions/power-off", {"vm": "web-01"}, "slack:U1")
    assert slack.called("chat.postMessage")[0]["text"] == "⏳ Power off: web-01"


async def test_cancel_replaces_the_card_and_starts_nothing(slack_request: Request, service: FakeService) -> None:
    card = await ask(slack_request)
    reply = await decline(value(card), pressed_by(slack_request, "U1"))
    assert reply is not None
    assert reply.replaces
    assert "*Power off web-01*: cancelled by <@U1> at " in drawn(reply.message)
    after = await confirm(value(card), pressed_by(slack_request, "U1"))
    assert after is not None
    assert "answered before" in drawn(after.message)
    assert started(service) == []


@pytest.mark.parametrize("press", [confirm, decline])
async def test_press_of_another_person_leaves_the_card(
    slack_request: Request, service: FakeService, press: Any
) -> None:
    card = await ask(slack_request)
    reply = await press(value(card), pressed_by(slack_request, "U2"))
    assert not reply.replaces
    assert "<@U1> asked for this, and nobody else can answer." in drawn(reply.message)
    assert started(service) == []
    await confirm(value(card), pressed_by(slack_request, "U1"))
    assert len(started(service)) == 1


async def test_expired_card_starts_nothing(slack_request: Request, service: FakeService) -> None:
    confirmations = slack_request.deps.confirmations
    asked = confirmations.open(value(await ask(slack_request)))
    assert asked is not None
    old = confirmations.seal(dataclasses.replace(asked, expires_at=asked.expires_at - 600))
    reply = await confirm(old, pressed_by(slack_request, "U1"))
    assert reply is not None
    assert reply.replaces
    assert "this card was valid for 10 minutes" in drawn(reply.message)
    assert started(service) == []


async def test_second_press_starts_no_second_job(slack_request: Request, service: FakeService) -> None:
    card = await ask(slack_request)
    await confirm(value(card), pressed_by(slack_request, "U1"))
    reply = await confirm(value(card), pressed_by(slack_request, "U1"))
    assert reply is not None
    assert "answered before" in drawn(reply.message)
    assert len(started(service)) == 1


async def test_idempotency_key_is_the_same_for_each_press_of_a_card(
    slack_request: Request, service: FakeService
) -> None:
    card = await ask(slack_request)
    asked = slack_request.deps.confirmations.open(value(card))
    assert asked is not None
    await confirm(value(card), pressed_by(slack_request, "U1"))
    assert started(service)[0].idempotency_key == f"slack:{asked.nonce}"


async def test_card_is_shown_again_when_the_checks_find_something_else(
    slack_request: Request, service: FakeService
) -> None:
    card = await ask(slack_request)
    service.checks = [*service.checks, Check(rule="task-running", severity="warn", message="A backup is running.")]
    again = await confirm(value(card), pressed_by(slack_request, "U1"))
    assert again is not None
    assert again.replaces
    assert "What the checks find has changed" in drawn(again.message)
    assert "A backup is running." in drawn(again.message)
    assert started(service) == []
    await confirm(value(again), pressed_by(slack_request, "U1"))
    assert len(started(service)) == 1


async def test_action_that_is_refused_at_the_press_replaces_the_card(
    slack_request: Request, service: FakeService
) -> None:
    card = await ask(slack_request)
    service.checks = [Check(rule="template", severity="refuse", message="It is a template.")]
    reply = await confirm(value(card), pressed_by(slack_request, "U1"))
    assert reply is not None
    assert reply.replaces
    assert buttons(reply) == []
    assert "but not started. Refused by the pre-flight check. It is a template." in drawn(reply.message)
    assert started(service) == []


async def test_channel_without_the_bot_replaces_the_card(
    slack_request: Request, service: FakeService, slack: FakeSlack
) -> None:
    card = await ask(slack_request)
    slack.fail("chat.postMessage", "not_in_channel")
    reply = await confirm(value(card), pressed_by(slack_request, "U1"))
    assert reply is not None
    assert "vmkops cannot post in this channel" in drawn(reply.message)
    assert started(service) == []


async def test_service_that_is_away_at_the_press_replaces_the_card(
    slack_request: Request, service: FakeService
) -> None:
    card = await ask(slack_request)
    service.refusals["/actions/power-off/check"] = Problem(title="No answer", status=503, suggestions=["Try later."])
    reply = await confirm(value(card), pressed_by(slack_request, "U1"))
    assert reply is not None
    assert "No answer" in drawn(reply.message)
    assert "Try later." in drawn(reply.message)


async def test_parameters_that_no_button_takes_are_refused(slack_request: Request) -> None:
    with pytest.raises(ServiceError, match="too long for a button"):
        await ask(slack_request, note="x" * 1500)


async def test_name_of_what_is_lost_is_typed_into_the_card(slack_request: Request, service: FakeService) -> None:
    service.type_again = TypeAgainHint(when="onto", parameter="overwrite", what="the name of the VM that is replaced")
    card = await ask(slack_request)
    (field,) = [block for block in card.message.blocks if block["type"] == "input"]
    assert field["label"]["text"] == "Type the name of the VM that is replaced"

    wrong = await confirm(value(card), dataclasses.replace(pressed_by(slack_request, "U1"), typed="web-02"))

    assert wrong is not None
    assert wrong.replaces
    assert NOT_THE_NAME in drawn(wrong.message)
    assert started(service) == []

    right = await confirm(value(wrong), dataclasses.replace(pressed_by(slack_request, "U1"), typed="web-01"))

    assert right is not None
    assert buttons(right) == []
    (act,) = started(service)
    assert act.body["params"] == {"vm": "web-01", "overwrite": "web-01"}
