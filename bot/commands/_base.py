"""What a slash command is, how the commands are found, and the one listener around all of them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot import commands
from bot.answering import Answers
from bot.blocks import Reply
from bot.cards.help import CommandHelp, command_help
from bot.cards.problem import usage_card
from bot.command_text import UsageError, wants_help
from bot.following import Following
from service.api.client import ServiceClient

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What every command works with: the service, Slack, and the follower of jobs."""

    service: ServiceClient
    slack: AsyncWebClient
    following: Following


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Who asked, where, and Slack's id of this very request, which makes a repeat harmless."""

    user: str
    channel: str
    request_id: str
    desk: Desk

    @property
    def on_behalf_of(self) -> str:
        """The asker as the service names people."""
        return f"slack:{self.user}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Command(Generic[T]):
    """A slash command: `parse` is pure and may raise UsageError, `run` calls the service and renders."""

    name: str
    usage: str
    summary: str
    examples: tuple[str, ...]
    parse: Callable[[str], T]
    run: Callable[[T, Asked], Awaitable[Reply | None]]

    @property
    def help(self) -> CommandHelp:
        """What help says about this command."""
        return CommandHelp(self.name, self.usage, self.summary, self.examples)

    async def answer(self, text: str, asked: Asked) -> Reply | None:
        """The reply to what was typed after the command; None when the command has answered by itself."""
        if wants_help(text):
            return Reply(command_help(self.help))
        try:
            words = self.parse(text)
        except UsageError as error:
            return Reply(usage_card(self.usage, str(error), self.examples))
        return await self.run(words, asked)


def find_commands() -> tuple[Command[Any], ...]:
    """Every command in the folder, by name; files that begin with an underscore are none."""
    names = sorted(found.name for found in pkgutil.iter_modules(commands.__path__))
    modules = [importlib.import_module(f"{commands.__name__}.{name}") for name in names if name[0] != "_"]
    return tuple(module.command for module in modules)


def listen(app: AsyncApp, command: Command[Any], desk: Desk, answers: Answers) -> None:
    """Let Slack's command reach ours: acknowledged before anything else, answered afterwards."""

    async def listener(ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        asked = Asked(user=body["user_id"], channel=body["channel_id"], request_id=body["trigger_id"], desk=desk)
        text = body.get("text") or ""
        await answers.give(respond, lambda: command.answer(text, asked), command=command.name)

    app.command(command.name)(listener)
