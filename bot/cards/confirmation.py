"""The card that asks before a disruptive or destructive action, and what replaces it after the press."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.blocks import Message, bold, bullets, button, code, context, escape, message, section, text_field
from bot.cards.action import ICONS
from bot.jobs.confirmations import VALID_SECONDS, Confirmation
from service.api.client import TYPE_AGAIN, ActionPreview, Check, Problem
from service.api.redaction import redact_params

CONFIRM = "action_confirm"
DECLINE = "action_decline"
"""The action ids of the two buttons; the value of both is the sealed confirmation."""

TYPED = "action_typed"
"""The action id of the field for a name that is typed again."""
MOST_CHECKS = 15
CHANGED = "⚠️ What the checks find has changed, so this is asked again. Nothing was started."
NOT_THE_NAME = "⚠️ What you typed is not the name that is asked for. Nothing was started."


def confirmation_card(asked: Confirmation, preview: ActionPreview, value: str, *, again: str = "") -> Message:
    """What the action hits, what the checks found, and the two buttons; `again` says why the card is shown again.

    Before an action that wants a name typed again, there is a field for it.
    """
    shown = [check for check in _worst_first(preview) if check.rule != TYPE_AGAIN]
    found = [f"{ICONS[check.severity]} {escape(check.message)}" for check in shown]
    until = f"{datetime.fromtimestamp(asked.expires_at, UTC):%H:%M} UTC"
    title = f"{asked.label}?"
    return message(
        title,
        [
            *([section(again)] if again else []),
            section(bold(title), _parameters(asked.params)),
            *([section(bullets(found, at_most=MOST_CHECKS))] if found else []),
            context(f"{preview.class_} action", f"steps: {escape(' → '.join(preview.steps))}"),
            *([text_field(TYPED, f"Type {preview.type_again.what}")] if preview.type_again else []),
            {
                "type": "actions",
                "elements": [button(CONFIRM, asked.label, value, "danger"), button(DECLINE, "Cancel", value)],
            },
            context(
                f"Only you can answer, within {VALID_SECONDS // 60} minutes (until {until}). Nothing has started yet."
            ),
        ],
    )


def confirmed_card(asked: Confirmation) -> Message:
    """What replaces the card after a yes."""
    return _answered(asked, "✅", f"confirmed by <@{asked.user}>{_now()}. Its thread is in the channel.")


def declined_card(asked: Confirmation) -> Message:
    """What replaces the card after a no."""
    return _answered(asked, "🚫", f"cancelled by <@{asked.user}>{_now()}. Nothing was started.")


def expired_card(asked: Confirmation) -> Message:
    """What replaces a card whose answer came too late."""
    text = f"this card was valid for {VALID_SECONDS // 60} minutes. Nothing was started. Type the command again."
    return _answered(asked, "⌛", text)


def pressed_before_card(asked: Confirmation) -> Message:
    """What replaces a card after a second press."""
    return _answered(asked, "ℹ️", "this card was answered before. A second press starts nothing.")


def refused_card(asked: Confirmation, problem: Problem) -> Message:
    """What replaces the card when the action does not start after the yes."""
    text = f"confirmed by <@{asked.user}>{_now()}, but not started. {escape(problem.title)}. {escape(problem.detail)}"
    hints = bullets([escape(each) for each in problem.suggestions])
    return Message(f"{escape(asked.label)}: {text}", [section(f"❌ {bold(asked.label)}: {text}", hints)])


def not_yours_card(asked: Confirmation) -> Message:
    """The reply to another person who presses a button of the card."""
    return _answered(asked, "⚠️", f"<@{asked.user}> asked for this, and nobody else can answer.")


def unreadable_card() -> Message:
    """The reply to a button whose value this bot did not make."""
    text = "This button is not valid: vmkops did not make it, or its token has changed since."
    return message(text, [section(f"⚠️ {text} Nothing was started. Type the command again.")])


def _answered(asked: Confirmation, icon: str, text: str) -> Message:
    return Message(f"{escape(asked.label)}: {text}", [section(f"{icon} {bold(asked.label)}: {text}")])


def _now() -> str:
    return f" at {datetime.now(UTC):%H:%M} UTC"


def _worst_first(preview: ActionPreview) -> list[Check]:
    order = list(ICONS)
    return sorted(preview.checks, key=lambda check: order.index(check.severity))


def _parameters(params: Mapping[str, Any]) -> str:
    return " ".join(code(f"{name}={value}") for name, value in redact_params(params).items())
