"""Somebody presses a button that nobody was shown: with another action, another VM, or without an end.

Slack signs what it delivers, so a press comes from Slack and from the user whom it names. Slack does not promise that
the value of a button is the one that the bot sent, above all in a message that only one user sees.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot.cards.confirmation import CONFIRM
from bot.cards.kb import START
from bot.jobs.confirmations import SEAL_LENGTH, Confirmation, Confirmations
from tests.integration.slack_room import (
    answer_to,
    drawn,
    message_now,
    open_actions,
    press,
    slack_room,
    with_value,
)
from tests.peers.fetch import require
from tests.peers.local_slack import ONCALL, OPERATOR, VISITOR, LocalSlack
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, vcenter_settings

VM, OTHER = "DC0_H0_VM0", "DC0_H0_VM1"
FAR_FUTURE = 10**10

Workspace = tuple[LocalSlack, RunningService, Vcsim]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A Slack with the bot of a service that is connected to a vCenter; the operator may start jobs."""
    require("vcsim")
    with Vcsim() as vcsim:
        settings = {**vcenter_settings(vcsim), "VMKOPS_SLACK_OPERATORS": OPERATOR}
        with slack_room(tmp_path_factory.mktemp("room") / "data", settings=settings) as (slack, service):
            yield slack, service, vcsim


@pytest.fixture
def card(workspace: Workspace) -> dict[str, Any]:
    """The card that asks the operator whether to power the VM off."""
    return answer_to(workspace[0], OPERATOR, "/action", f"power-off {VM}")


def content(value: str) -> dict[str, Any]:
    """What the value of a button holds behind its seal."""
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(value[SEAL_LENGTH:]))
    return found


def encoded(values: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


def assert_untouched(workspace: Workspace) -> None:
    """No job was started, and both VMs run."""
    _, service, vcsim = workspace
    assert service.call("GET", "/jobs")[1]["jobs"] == []
    assert {vcsim.vm(name)["power_state"] for name in (VM, OTHER)} == {"poweredOn"}


FORGERIES: dict[str, Callable[[str], str]] = {
    "another action": lambda value: value[:SEAL_LENGTH] + encoded({**content(value), "action": "reset"}),
    "another VM": lambda value: value[:SEAL_LENGTH] + encoded({**content(value), "params": {"vm": OTHER}}),
    "another user": lambda value: value[:SEAL_LENGTH] + encoded({**content(value), "user": VISITOR}),
    "a later end": lambda value: value[:SEAL_LENGTH] + encoded({**content(value), "expires_at": FAR_FUTURE}),
    "another nonce": lambda value: value[:SEAL_LENGTH] + encoded({**content(value), "nonce": "0" * 16}),
    "no end": lambda value: (
        value[:SEAL_LENGTH] + encoded({key: each for key, each in content(value).items() if key != "expires_at"})
    ),
    "no seal": lambda value: value[SEAL_LENGTH:],
    "an empty seal": lambda value: "0" * SEAL_LENGTH + value[SEAL_LENGTH:],
    "plain JSON": lambda value: json.dumps(content(value)),
    "the value of a button of a procedure": lambda _: json.dumps({"action": "power-off", "params": {"vm": VM}}),
    "nothing": lambda _: "",
    "letters that no seal has": lambda value: "é" * SEAL_LENGTH + value[SEAL_LENGTH:],
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_value_is_refused(workspace: Workspace, card: dict[str, Any], forgery: str) -> None:
    slack = workspace[0]
    forged = with_value(card, FORGERIES[forgery](open_actions(card)[CONFIRM]["value"]))
    answer = press(slack, OPERATOR, forged, CONFIRM)
    assert answer["ephemeral_to"] == OPERATOR
    assert "This button is not valid" in drawn(answer)
    assert CONFIRM in open_actions(message_now(slack, card))
    assert_untouched(workspace)


def test_value_that_another_app_sealed_is_refused(workspace: Workspace, card: dict[str, Any]) -> None:
    slack = workspace[0]
    asked = Confirmations(slack.bot_token).open(open_actions(card)[CONFIRM]["value"])
    assert asked is not None
    forged = with_value(card, Confirmations("xoxb-of-another-app").seal(asked))
    assert "This button is not valid" in drawn(press(slack, OPERATOR, forged, CONFIRM))
    assert_untouched(workspace)


def sealed(slack: LocalSlack, card: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The card with a value that the bot would accept as its own, as if its key had leaked."""
    confirmations = Confirmations(slack.bot_token)
    asked = confirmations.open(open_actions(card)[CONFIRM]["value"])
    assert isinstance(asked, Confirmation)
    return with_value(card, confirmations.seal(replace(asked, **changes)))


def test_target_that_the_card_did_not_show_is_asked_for_again(workspace: Workspace, card: dict[str, Any]) -> None:
    slack = workspace[0]
    assert slack.click(OPERATOR, sealed(slack, card, params={"vm": OTHER}, nonce="1" * 16), CONFIRM)
    slack.wait_for(lambda: f"*Power off {OTHER}?*" in drawn(message_now(slack, card)), what="the new card")
    assert "What the checks find has changed" in drawn(message_now(slack, card))
    assert_untouched(workspace)


def test_yes_of_a_user_who_is_no_operator_is_refused_by_the_service(workspace: Workspace, card: dict[str, Any]) -> None:
    slack = workspace[0]
    assert slack.click(VISITOR, sealed(slack, card, user=VISITOR, nonce="2" * 16), CONFIRM)
    slack.wait_for(lambda: "VMKOPS_SLACK_OPERATORS" in str(slack.messages(ONCALL)), what="the refusal")
    assert_untouched(workspace)


def test_button_of_a_procedure_never_starts_a_disruptive_action_by_itself(
    workspace: Workspace, card: dict[str, Any]
) -> None:
    slack = workspace[0]
    forged = with_value(card, json.dumps({"action": "power-off", "params": {"vm": OTHER}, "class": "safe"}))
    for row in forged["blocks"]:
        for element in row.get("elements", []):
            if element.get("action_id") == CONFIRM:
                element["action_id"] = f"{START}:1"
    asked = press(slack, OPERATOR, forged, f"{START}:1")
    assert f"*Power off {OTHER}?*" in drawn(asked)
    assert CONFIRM in open_actions(asked)
    assert_untouched(workspace)
