"""What a button is, how the buttons are found, and the one listener around all of them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond

from bot import interactive
from bot.answering import Answers
from bot.blocks import Reply
from bot.commands._base import Asked, Desk


@dataclass(frozen=True, kw_only=True, slots=True)
class Button:
    """A button on a card, by its action id; `run` is given the button's value."""

    action_id: str
    run: Callable[[str, Asked], Awaitable[Reply]]


def find_buttons() -> tuple[Button, ...]:
    """Every button in the folder; files that begin with an underscore are none."""
    names = sorted(found.name for found in pkgutil.iter_modules(interactive.__path__))
    modules = [importlib.import_module(f"{interactive.__name__}.{name}") for name in names if name[0] != "_"]
    return tuple(module.button for module in modules)


def listen(app: AsyncApp, button: Button, desk: Desk, answers: Answers) -> None:
    """Let a click reach the button: acknowledged before anything else, answered to the clicker alone."""

    async def listener(ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        asked = Asked(
            user=body["user"]["id"],
            channel=(body.get("channel") or {}).get("id", ""),
            request_id=body["trigger_id"],
            desk=desk,
        )
        value = str(body["actions"][0].get("value") or "")
        await answers.give(respond, lambda: button.run(value, asked))

    app.action(button.action_id)(listener)
