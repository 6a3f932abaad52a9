"""The help cards: one command, and all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bot.blocks import Message, code, context, escape, header, message, section


class CommandHelp(NamedTuple):
    """What help says about one command."""

    name: str
    usage: str
    summary: str
    examples: tuple[str, ...]


def command_help(command: CommandHelp) -> Message:
    """What one command does and how it is typed."""
    examples = [code(example) for example in command.examples]
    return message(
        f"{command.summary} Usage: {command.usage}",
        [section(escape(command.summary), f"Usage: {code(command.usage)}", *_examples(examples))],
    )


def all_help(commands: Sequence[CommandHelp], *, user: str) -> Message:
    """Every command in a line or two; `user` is the asker's Slack id, which an administrator may need."""
    lines = [f"{code(command.usage)}\n{escape(command.summary)}" for command in commands]
    return message(
        "Commands: " + ", ".join(command.name for command in commands),
        [
            header("vmkops: VMware on call"),
            *(section(line) for line in lines),
            context("Each command answers `help`", f"you are {code(user)}"),
            context(
                f"Lookups are for everybody. To start or cancel jobs, your id {code(user)} must stand in the "
                "setting `VMKOPS_SLACK_OPERATORS` of the service."
            ),
        ],
    )


def _examples(examples: Sequence[str]) -> list[str]:
    return [f"For example: {', '.join(examples)}"] if examples else []
