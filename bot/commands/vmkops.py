"""`/vmkops`: the list of commands."""

from __future__ import annotations

from bot.arguments import UsageError, single_argument
from bot.blocks import Reply
from bot.cards.help import all_help
from bot.commands._base import Command, find_commands
from bot.request import Request


def parse(text: str) -> None:
    """Nothing. Raises UsageError for any argument."""
    if words := single_argument(text):
        raise UsageError(f"Unexpected argument “{words}”.")


async def run(_: None, request: Request) -> Reply:
    """List every command, only to the user."""
    return Reply(all_help([each.help for each in find_commands()], user=request.user))


command = Command(
    name="/vmkops",
    usage="/vmkops",
    summary="Lists the commands and how to use them.",
    examples=(),
    procedures=("slack-setup",),
    parse=parse,
    run=run,
)
