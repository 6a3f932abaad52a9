"""What a button is, and how a click in Slack reaches it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond

from bot import buttons
from bot.blocks import Reply
from bot.discovery import find_members
from bot.replies import ReplySender
from bot.request import Deps, Request


@dataclass(frozen=True, kw_only=True, slots=True)
class Button:
    """A button on a card, identified by its action id, or by a pattern for buttons that a card has several of.

    `run` gets the button's value and the request; it returns None when it has replied by itself.
    """

    action_id: str | re.Pattern[str]
    run: Callable[[str, Request], Awaitable[Reply | None]]


def find_buttons() -> tuple[Button, ...]:
    """Every button in this folder, in the order of the modules' names."""
    return find_members(buttons, "button", Button)


def register(app: AsyncApp, button: Button, deps: Deps, replies: ReplySender) -> None:
    """Make the app acknowledge each click at once, then run the button and reply to the user who clicked."""

    async def listener(ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        request = Request(
            user=body["user"]["id"],
            channel=(body.get("channel") or {}).get("id", ""),
            trigger_id=body["trigger_id"],
            deps=deps,
            typed=_typed(body),
        )
        value = str(body["actions"][0].get("value") or "")
        await replies.send(respond, lambda: button.run(value, request))

    app.action(button.action_id)(listener)


def _typed(body: dict[str, Any]) -> str:
    """The value of the one text field of the card."""
    fields = ((body.get("state") or {}).get("values") or {}).values()
    return next((str(each["value"]) for field in fields for each in field.values() if each.get("value")), "").strip()
