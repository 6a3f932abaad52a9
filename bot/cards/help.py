"""The help cards: for one command, and for all commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bot.blocks import Message, code, context, escape, header, message, section


class CommandHelp(NamedTuple):
    """What the help cards show about one command."""

    name: str
    usage: str
    summary: str
    examples: tuple[str, ...]
    procedures: tuple[str, ...] = ()


def command_help(command: CommandHelp) -> Message:
    """What one command does, its usage and its examples."""
    lines = [escape(command.summary), f"Usage: {code(command.usage)}", example_line(command.examples)]
    pages = [context(procedures_line(command.procedures))] if command.procedures else []
    return message(f"{command.summary} Usage: {command.usage}", [section(*lines), *pages])


def all_help(commands: Sequence[CommandHelp], *, user: str) -> Message:
    """Every command with its usage and summary; `user` is the reader's Slack id, which an administrator may need."""
    lines = [f"{code(command.usage)}\n{escape(command.summary)}" for command in commands]
    return message(
        "Commands: " + ", ".join(command.name for command in commands),
        [
            header("vmkops: VMware on call"),
            *(section(line) for line in lines),
            context("For examples, type `help` after a command"),
            context(
                f"Lookups are open to everyone. Before you can start or cancel jobs, an administrator must add your "
                f"Slack ID {code(user)} to the service's setting `VMKOPS_SLACK_OPERATORS`."
            ),
        ],
    )


def procedures_line(slugs: Sequence[str]) -> str:
    """How to read the procedures with these names in Slack."""
    return f"Procedures: {', '.join(code('/kb ' + slug) for slug in slugs)}"


def example_line(examples: Sequence[str]) -> str:
    """The examples of a command in one line; empty when there are none."""
    return f"For example: {', '.join(code(example) for example in examples)}" if examples else ""
