"""`vmkops schedules`: the actions that start by the clock."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from http import HTTPStatus

from vmkops.commands import SERVICE
from vmkops.commands._near import nearest
from vmkops.commands._schedules_edit import commands

SUMMARY = "list, make, preview, pause and run the actions that start by the clock"
GROUP = SERVICE
OTHER_WORDS = {"delete": "remove", "rm": "remove", "create": "add", "stop": "pause", "start": "resume"}
"""Other words for some subcommands, before the name of a schedule."""
HELP = ("-h", "--help")


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return commands(SUMMARY).parser


def run(argv: Sequence[str]) -> int:
    """Run a subcommand; without one, list the schedules or show the one that is named.

    A misspelt subcommand is wrong usage where a name follows it. Where it stands alone, it may be a name.
    """
    made = commands(SUMMARY)
    first, second = [*argv, "", ""][:2]
    if first in OTHER_WORDS and second:
        first, argv = OTHER_WORDS[first], [OTHER_WORDS[first], *argv[1:]]
    if first in (*made.names, *HELP):
        return made.run(argv)
    near = nearest(first, made.names)
    if near and second and not second.startswith("-"):
        return made.run(argv)  # which reports the subcommand that was meant
    from service.api.client import ServiceError

    try:
        return made.run(["list", *argv])
    except ServiceError as error:
        if near and error.problem.status == HTTPStatus.NOT_FOUND:
            more = [*error.problem.suggestions, f"There is a subcommand, too: vmkops schedules {near}"]
            raise ServiceError(error.problem.model_copy(update={"suggestions": more})) from None
        raise
