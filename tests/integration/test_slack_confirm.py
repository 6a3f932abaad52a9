"""The card that asks before a disruptive action: the real service, VMware's simulator, and a local Slack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.cards.confirmation import CONFIRM, DECLINE
from tests.integration.slack_room import (
    answer_to,
    backdated,
    drawn,
    message_now,
    open_actions,
    press,
    slack_room,
    wait_for_bot,
)
from tests.peers.local_slack import ONCALL, OPERATOR, VISITOR, LocalSlack
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, vcenter_settings

VM = "DC0_H0_VM0"


@pytest.fixture
def workspace(vcsim: Vcsim, tmp_path: Path) -> Iterator[tuple[LocalSlack, RunningService]]:
    """A local Slack with the bot of a service that is connected to the vCenter; both people may start jobs."""
    settings = {**vcenter_settings(vcsim), "VMKOPS_SLACK_OPERATORS": f"{OPERATOR},{VISITOR}"}
    with slack_room(tmp_path / "data", settings=settings) as joined:
        yield joined


def ask(slack: LocalSlack, text: str = f"power-off {VM}") -> dict[str, Any]:
    card = answer_to(slack, OPERATOR, "/action", text)
    assert card["ephemeral_to"] == OPERATOR
    assert set(open_actions(card)) == {CONFIRM, DECLINE}
    return card


def jobs(service: RunningService) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service.call("GET", "/jobs")[1]["jobs"]
    return found


def replaced(slack: LocalSlack, card: dict[str, Any], words: str) -> None:
    """Wait until the card is replaced by these words, without buttons."""
    slack.wait_for(lambda: words in drawn(message_now(slack, card)), what=words)
    assert open_actions(message_now(slack, card)) == {}


def test_card_shows_the_dry_run_and_its_yes_starts_the_action(
    workspace: tuple[LocalSlack, RunningService], vcsim: Vcsim
) -> None:
    slack, service = workspace
    card = ask(slack)
    assert f"*Power off {VM}?*" in drawn(card)
    assert "The guest is not asked to shut down" in drawn(card)
    assert open_actions(card)[CONFIRM]["text"]["text"] == f"Power off {VM}"
    assert open_actions(card)[CONFIRM]["style"] == "danger"
    assert (jobs(service), vcsim.vm(VM)["power_state"]) == ([], "poweredOn")

    assert slack.click(OPERATOR, card, CONFIRM)
    replaced(slack, card, f"*Power off {VM}*: confirmed by <@{OPERATOR}> at ")
    (job,) = jobs(service)
    assert service.ended(job["id"])["state"] == "succeeded"
    assert job["requested_by"] == f"slack:{OPERATOR}"
    assert vcsim.vm(VM)["power_state"] == "poweredOff"


def test_cancel_starts_nothing(workspace: tuple[LocalSlack, RunningService], vcsim: Vcsim) -> None:
    slack, service = workspace
    card = ask(slack)
    assert slack.click(OPERATOR, card, DECLINE)
    replaced(slack, card, f"*Power off {VM}*: cancelled by <@{OPERATOR}> at ")
    assert (jobs(service), vcsim.vm(VM)["power_state"]) == ([], "poweredOn")


def test_another_operator_cannot_answer(workspace: tuple[LocalSlack, RunningService], vcsim: Vcsim) -> None:
    slack, service = workspace
    card = ask(slack)
    for button in (CONFIRM, DECLINE):
        answer = press(slack, VISITOR, card, button)
        assert answer["ephemeral_to"] == VISITOR
        assert f"<@{OPERATOR}> asked for this, and nobody else can answer." in drawn(answer)
    assert set(open_actions(message_now(slack, card))) == {CONFIRM, DECLINE}
    assert (jobs(service), vcsim.vm(VM)["power_state"]) == ([], "poweredOn")


def test_expired_card_starts_nothing(workspace: tuple[LocalSlack, RunningService], vcsim: Vcsim) -> None:
    slack, service = workspace
    card = ask(slack)
    assert slack.click(OPERATOR, backdated(slack, card), CONFIRM)
    replaced(slack, card, "this card was valid for 10 minutes. Nothing was started.")
    assert (jobs(service), vcsim.vm(VM)["power_state"]) == ([], "poweredOn")


def test_double_press_starts_one_job(workspace: tuple[LocalSlack, RunningService], vcsim: Vcsim) -> None:
    slack, service = workspace
    card = ask(slack)
    slack.repeat_next("interactive")
    assert slack.click(OPERATOR, card, CONFIRM)
    assert slack.click(OPERATOR, card, CONFIRM)
    slack.wait_for(lambda: open_actions(message_now(slack, card)) == {}, what="the end of the buttons")
    slack.wait_for(lambda: jobs(service), what="the job")
    service.ended(jobs(service)[0]["id"])
    assert len(jobs(service)) == 1
    assert vcsim.count("PowerOffVM_Task") == 1


def test_card_outlives_a_restart_of_the_bot(workspace: tuple[LocalSlack, RunningService], vcsim: Vcsim) -> None:
    slack, service = workspace
    card = ask(slack)
    service.kill()
    slack.wait_for(lambda: not slack.connected(), what="the end of the bot")
    service.start()
    wait_for_bot(slack, service)
    assert slack.click(OPERATOR, card, CONFIRM)
    replaced(slack, card, "confirmed by")
    slack.wait_for(lambda: vcsim.vm(VM)["power_state"] == "poweredOff", what="the end of the VM", timeout=60)


def test_double_press_around_a_restart_starts_one_job(
    workspace: tuple[LocalSlack, RunningService], vcsim: Vcsim
) -> None:
    slack, service = workspace
    card = ask(slack, f"reset {VM}")
    assert slack.click(OPERATOR, card, CONFIRM)
    replaced(slack, card, "confirmed by")
    service.ended(jobs(service)[0]["id"])
    service.kill()
    slack.wait_for(lambda: not slack.connected(), what="the end of the bot")
    service.start()
    wait_for_bot(slack, service)
    before = len(slack.messages(ONCALL))
    assert slack.click(OPERATOR, card, CONFIRM)
    announced = slack.wait_for(lambda: slack.messages(ONCALL)[before:], what="the second press")[0]
    slack.wait_for(lambda: not message_now(slack, announced)["text"].startswith("⏳"), what="its answer")
    assert len(jobs(service)) == 1
    assert vcsim.count("ResetVM_Task") == 1


def test_obstacle_is_shown_without_a_button(workspace: tuple[LocalSlack, RunningService]) -> None:
    slack, _ = workspace
    refused = answer_to(slack, OPERATOR, "/action", f"answer-question {VM} choice=1")
    assert "does not wait for an answer" in drawn(refused)
    assert open_actions(refused) == {}


def test_changed_checks_ask_again(workspace: tuple[LocalSlack, RunningService], vcsim: Vcsim) -> None:
    slack, service = workspace
    card = ask(slack)
    assert service.call("POST", "/actions/power-off", {"vm": VM})[0] == 202
    slack.wait_for(lambda: vcsim.vm(VM)["power_state"] == "poweredOff", what="the end of the VM", timeout=60)
    assert slack.click(OPERATOR, card, CONFIRM)
    slack.wait_for(lambda: f"{VM} is already off" in drawn(message_now(slack, card)), what="the new card")
    assert set(open_actions(message_now(slack, card))) == {CONFIRM, DECLINE}
    assert len(jobs(service)) == 1
