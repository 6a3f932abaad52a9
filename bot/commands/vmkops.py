"""`/vmkops`: what this bot can do."""

from __future__ import annotations

from bot.blocks import Reply
from bot.cards.help import all_help
from bot.command_text import UsageError, one_value
from bot.commands._base import Asked, Command, find_commands


def parse(text: str) -> None:
    """Nothing is expected; anything else than `help` is a wrong use."""
    if words := one_value(text):
        raise UsageError(f"I do not know “{words}” here.")


async def run(_: None, asked: Asked) -> Reply:
    """List every command, for the asker alone."""
    return Reply(all_help([each.help for each in find_commands()], user=asked.user))


command = Command(
    name="/vmkops",
    usage="/vmkops",
    summary="Lists what I can do and how it is typed.",
    examples=(),
    parse=parse,
    run=run,
)
