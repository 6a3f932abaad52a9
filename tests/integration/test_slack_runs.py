"""A run of a procedure in Slack, from `/kb` to the export: the real service and a local Slack."""

from __future__ import annotations

from pathlib import Path

from bot.cards.kb import RUN
from bot.cards.runs import EXPORT, TICK
from tests.integration.slack_room import answer_to, drawn, slack_room
from tests.peers.local_slack import ONCALL, OPERATOR, VISITOR, LocalSlack


def click(slack: LocalSlack, user: str, message: dict, action_id: str) -> dict:
    """Click a button, and wait for the message that answers the click."""
    before = len(slack.messages(ONCALL))
    assert slack.click(user, message, action_id)
    return slack.wait_for(lambda: slack.messages(ONCALL)[before:], what=f"the answer to {action_id}")[0]


def test_run_starts_from_the_card_of_a_procedure_and_ends_in_an_export(tmp_path: Path) -> None:
    with slack_room(tmp_path / "data", settings={"VMKOPS_SLACK_OPERATORS": OPERATOR}) as (slack, service):
        page = answer_to(slack, OPERATOR, "/kb", "snapshot-left-behind")
        refused = click(slack, VISITOR, page, RUN)
        started = click(slack, OPERATOR, page, RUN)
        ticked = click(slack, OPERATOR, started, TICK)
        (run,) = service.call("GET", "/runs")[1]["runs"]
        skipped = answer_to(slack, OPERATOR, "/runs", f"skip {run['id']} step-2 no job is active")
        exported = click(slack, OPERATOR, skipped, EXPORT)

    assert "VMKOPS_SLACK_OPERATORS" in drawn(refused)
    assert "step-1" in drawn(started)
    assert f"☑ step-1 <@{OPERATOR}> · ☐ step-2" in drawn(ticked)
    assert (run["started_by"], run["progress"]["next"]) == (f"slack:{OPERATOR}", "step-2")
    assert "no job is active" in drawn(skipped)
    assert "ephemeral_to" in exported
    assert "# A snapshot was left on a VM" in drawn(exported)
