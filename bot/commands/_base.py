"""What a slash command is, and how a command that is typed in Slack reaches it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond

from bot import commands
from bot.arguments import UsageError, asks_for_help
from bot.blocks import Reply
from bot.cards.help import CommandHelp, command_help
from bot.cards.problem import usage_card
from bot.discovery import find_members
from bot.replies import ReplySender
from bot.request import Deps, Request

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Command(Generic[T]):
    """A slash command.

    `parse` turns the typed text into a value; it does no I/O and raises UsageError for text that it cannot read.
    `run` gets that value, calls the service and returns the reply; None when it has replied by itself.
    """

    name: str
    usage: str
    summary: str
    examples: tuple[str, ...]
    procedures: tuple[str, ...] = ()
    """The most helpful procedures about it, at most three, which `/kb NAME` shows."""
    parse: Callable[[str], T]
    run: Callable[[T, Request], Awaitable[Reply | None]]

    @property
    def help(self) -> CommandHelp:
        """What the help cards show about this command."""
        return CommandHelp(self.name, self.usage, self.summary, self.examples, self.procedures)

    async def answer(self, text: str, request: Request) -> Reply | None:
        """The reply to the text that was typed after the command; None when the command has replied by itself."""
        if asks_for_help(text):
            return Reply(command_help(self.help))
        try:
            parsed = self.parse(text)
        except UsageError as error:
            return Reply(usage_card(self.usage, str(error), self.examples))
        return await self.run(parsed, request)


def find_commands() -> tuple[Command[Any], ...]:
    """Every command in this folder, in the order of the modules' names."""
    return find_members(commands, "command", Command)


def register(app: AsyncApp, command: Command[Any], deps: Deps, replies: ReplySender) -> None:
    """Make the app acknowledge the command at once, then run it and send its reply."""

    async def listener(ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        request = Request(user=body["user_id"], channel=body["channel_id"], trigger_id=body["trigger_id"], deps=deps)
        text = body.get("text") or ""
        await replies.send(respond, lambda: command.answer(text, request), command=command.name)

    app.command(command.name)(listener)
