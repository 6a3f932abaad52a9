"""`vmkops vcenters`: the vCenters and hosts of the settings, and whether they answer."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from vmkops.commands import SERVICE
from vmkops.commands._kinds import VCENTERS
from vmkops.commands._lists import list_parser, run_list

SUMMARY = "list the vCenters and whether they answer, or show one"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return list_parser(VCENTERS, "vcenters", SUMMARY, "the name of a vCenter in the settings")


def run(argv: Sequence[str]) -> int:
    """Print one or all; raises ServiceError when the service does not answer or does not find it."""
    return run_list(VCENTERS, parser(), argv)
