"""`vmkops procedures`: the procedures that the service has, also those of the team."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from vmkops.commands import SERVICE
from vmkops.commands._kinds import PROCEDURES
from vmkops.commands._lists import list_parser, run_list

SUMMARY = "list the procedures of the service, or show one"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return list_parser(PROCEDURES, "procedures", SUMMARY, "the name of a procedure")


def run(argv: Sequence[str]) -> int:
    """Print one or all; raises ServiceError when the service does not answer or does not find it."""
    return run_list(PROCEDURES, parser(), argv)
