"""`vmkops mounts`: what is mounted."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from vmkops.commands import SERVICE
from vmkops.commands._kinds import MOUNTS
from vmkops.commands._lists import add_list_options, print_list, without_list
from vmkops.commands._parser import Parser

SUMMARY = "list the VMs that are staged for another backup product"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(prog="vmkops mounts", description=SUMMARY)
    add_list_options(made, MOUNTS)
    return made


def run(argv: Sequence[str]) -> int:
    """List the mounts; raises ServiceError when the service does not answer."""
    return print_list(MOUNTS, parser().parse_args(without_list(argv)))
