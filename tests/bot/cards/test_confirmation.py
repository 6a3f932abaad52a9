"""The card that asks before an action: any text fits, and the worst findings come first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.blocks import Message
from bot.cards.confirmation import (
    confirmation_card,
    confirmed_card,
    declined_card,
    expired_card,
    not_yours_card,
    refused_card,
    unreadable_card,
)
from bot.jobs.confirmations import Confirmation
from service.api.client import ActionClass, ActionPreview, Check, Problem
from tests.bot.slack_limits import assert_slack_takes, drawn


def preview(*checks: Check, label: str = "Power off web-01") -> ActionPreview:
    return ActionPreview(
        action="power-off",
        target="web-01",
        params={"vm": "vm-42"},
        steps=["check", "power off"],
        checks=list(checks),
        allowed=True,
        class_=ActionClass.DISRUPTIVE,
        label=label,
    )


def card(of: ActionPreview, **params: str) -> Message:
    asked = Confirmation.of(of.action, params, label=of.label, user="U1", shown=of.fingerprint)
    return confirmation_card(asked, of, "value")


def test_warnings_come_before_notes_and_a_long_list_is_counted() -> None:
    notes = [Check(rule="backup-goes", severity="info", message=f"backup {number} is removed") for number in range(30)]
    lines = drawn(card(preview(*notes, Check(rule="guest", severity="warn", message="Not asked.")))).splitlines()
    found = [line for line in lines if line.startswith("•")]
    assert found[0] == "•  ⚠️ Not asked."
    assert found[-1] == "•  …and 16 more"


def test_query_of_a_url_is_not_shown() -> None:
    text = drawn(card(preview(), source="https://h.example.com/x?sig=s3cret"))
    assert "s3cret" not in text
    assert "https://h.example.com/x?REDACTED" in text


@given(st.text("<>&*`:@ \na", max_size=400))
def test_slack_accepts_any_text(text: str) -> None:
    of = preview(Check(rule="x", severity="info", message=text or "x"), label=f"Power off {text}")
    asked = Confirmation.of("power-off", {"vm": text}, label=of.label, user="U1", shown="")
    problem = Problem(title=text, status=409, detail=text, suggestions=[text])
    for made in (
        confirmation_card(asked, of, "value", again="What the checks find has changed."),
        confirmed_card(asked),
        declined_card(asked),
        expired_card(asked),
        not_yours_card(asked),
        refused_card(asked, problem),
        unreadable_card(),
    ):
        assert_slack_takes(made)
