"""A local Slack with our service and its bot behind it: starting the two together, typing, and reading the answers."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from bot.cards.confirmation import CONFIRM
from bot.commands._base import find_commands
from bot.jobs.confirmations import Confirmations
from tests.peers.fetch import require
from tests.peers.local_slack import ONCALL, LocalSlack
from tests.running_service import RunningService

COMMANDS = tuple(command.name for command in find_commands())


@contextlib.contextmanager
def slack_room(
    data_dir: Path,
    *,
    mode: Literal["socket", "http"] = "socket",
    settings: dict[str, str] | None = None,
    more_commands: tuple[str, ...] = (),
) -> Iterator[tuple[LocalSlack, RunningService]]:
    """A workspace and a service whose bot has joined it, until the end of the block."""
    require("local-slack")
    with LocalSlack(mode=mode, commands=(*COMMANDS, *more_commands)) as slack:
        way_in = (
            {"SLACK_APP_TOKEN": slack.app_token} if mode == "socket" else {"SLACK_SIGNING_SECRET": slack.signing_secret}
        )
        slack_settings = {"SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": slack.bot_token, **way_in}
        with RunningService(data_dir, {**slack_settings, **(settings or {})}) as service:
            wait_for_bot(slack, service)
            yield slack, service


def wait_for_bot(slack: LocalSlack, service: RunningService) -> None:
    """Wait until commands that are typed reach the bot."""
    if slack.mode == "http":
        slack.request_url = f"{service.url}/slack/events"
        slack.wait_for(lambda: service.call("GET", "/readyz")[1]["parts"].get("slack"), what="the bot")
    else:
        slack.wait_connected()


def answer_to(slack: LocalSlack, user: str, command: str, text: str) -> dict[str, Any]:
    """Type a command and wait for the first message that answers it."""
    before = len(slack.messages(ONCALL))
    assert slack.command(user, ONCALL, command, text), f"{command} was not acknowledged"
    return slack.wait_for(lambda: slack.messages(ONCALL)[before:], what=f"the answer to {command} {text[:50]}")[0]


def drawn(message: dict[str, Any]) -> str:
    """All text of a message's blocks."""
    texts = [block.get("text") or block["elements"][0] for block in message["blocks"] if block["type"] != "actions"]
    return "\n".join(text["text"] for text in texts)


def message_now(slack: LocalSlack, message: dict[str, Any]) -> dict[str, Any]:
    """A message as it is now, after edits."""
    return next(one for one in slack.messages(message["channel"]) if one["ts"] == message["ts"])


def open_actions(message: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The buttons of a message by their action ids."""
    rows = [block["elements"] for block in message["blocks"] if block["type"] == "actions"]
    return {element["action_id"]: element for row in rows for element in row}


def press(slack: LocalSlack, user: str, message: dict[str, Any], action_id: str) -> dict[str, Any]:
    """Press a button and wait for the new message that answers it."""
    before = len(slack.messages(ONCALL))
    assert slack.click(user, message, action_id), f"{action_id} was not acknowledged"
    return slack.wait_for(lambda: slack.messages(ONCALL)[before:], what=f"the answer to {action_id}")[0]


def with_value(message: dict[str, Any], value: str) -> dict[str, Any]:
    """A message whose buttons have this value instead, as a changed client would send it."""
    changed = copy.deepcopy(message)
    for element in open_actions(changed).values():
        element["value"] = value
    return changed


def backdated(slack: LocalSlack, card: dict[str, Any]) -> dict[str, Any]:
    """A card that asks for an action, as it is when its time is over."""
    confirmations = Confirmations(slack.bot_token)
    asked = confirmations.open(open_actions(card)[CONFIRM]["value"])
    assert asked is not None
    return with_value(card, confirmations.seal(replace(asked, expires_at=int(time.time()) - 1)))
