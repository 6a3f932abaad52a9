"""What was meant by a command that does not exist: another command, a host action, or a subcommand of a command."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Sequence
from importlib import import_module

from vmkops import commands
from vmkops.commands._near import LONGEST, nearest


def what_was_meant(words: Sequence[str]) -> str:
    """` Did you mean vmkops action restore web-01?` with a space before it; empty when nothing resembles the words.

    `words` are those after `vmkops`, the unknown command first. The name of an action or of a subcommand counts before
    commands with a similar name.
    """
    from knowledge.procedure_store.entry_points import action_names

    typed, rest = words[0], list(words[1:])
    actions = action_names()
    exact = typed.lower().replace("_", "-")
    if exact in actions:
        return f" {exact} is a host action. Did you mean {_line(['action', exact, *rest])}?"
    if owners := list(_owners(exact)):
        return f" Did you mean {' or '.join(_line([owner, exact, *rest]) for owner in owners)}?"
    if near := nearest(typed, commands.names()):
        return f" Did you mean {near}?"
    if near := nearest(typed, actions):
        return f" {near} is a host action. Did you mean {_line(['action', near, *rest])}?"
    return ""


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The subcommands of a command with their parsers, by name."""
    found = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    return next((dict(each.choices) for each in found), {})


def _owners(name: str) -> Iterator[str]:
    """The commands that have a subcommand of this name."""
    for command in commands.names():
        if name in subcommands(import_module(f"vmkops.commands.{command}").parser()):
            yield command


def _line(words: Sequence[str]) -> str:
    """The command line that was meant; without the words of the person where they are long or cannot be shown."""
    line = shlex.join(["vmkops", *words])
    return line if line.isprintable() and len(line) <= 2 * LONGEST else f"vmkops {words[0]} {words[1]} ..."
