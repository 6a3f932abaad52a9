"""`vmkops schedules`: the actions that start by the clock."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from vmkops.commands import SERVICE
from vmkops.commands._schedules_edit import commands

SUMMARY = "list, make, preview, pause and run the actions that start by the clock"
GROUP = SERVICE
HELP = ("-h", "--help")


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return commands(SUMMARY).parser


def run(argv: Sequence[str]) -> int:
    """Run a subcommand; without one, list the schedules or show the one that is named."""
    made = commands(SUMMARY)
    first = argv[0] if argv else ""
    return made.run(argv if first in (*made.names, *HELP) else ["list", *argv])
