"""`vmkops schedules`: the actions that start by the clock."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from vmkops.commands import SERVICE
from vmkops.commands._kinds import SCHEDULES
from vmkops.commands._lists import list_parser, run_list

SUMMARY = "list the schedules, or show one"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return list_parser(SCHEDULES, "schedules", SUMMARY, "the name of a schedule")


def run(argv: Sequence[str]) -> int:
    """Print one or all; raises ServiceError when the service does not answer or does not find it."""
    return run_list(SCHEDULES, parser(), argv)
