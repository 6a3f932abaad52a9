"""`vmkops schedules`: the actions that start by the clock."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from vmkops.commands import SERVICE
from vmkops.commands._schedules_edit import commands

SUMMARY = "list, make, preview, pause and run the actions that start by the clock"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return commands(SUMMARY).parser


def run(argv: Sequence[str]) -> int:
    """Run a subcommand; without one, list the schedules."""
    return commands(SUMMARY).run(argv or ["list"])
