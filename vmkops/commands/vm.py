"""`vmkops vm`: a VM of the live inventory, or all of them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from vmkops.commands import SERVICE
from vmkops.commands._inventory import lookup_parser, run_lookup

SUMMARY = "show a VM, or list all"
GROUP = SERVICE

NAME = (
    "a name, or name:, ipaddr:, uuid: or moref: and the value; prod/ before it means the one in the vCenter prod; "
    "without it all are listed"
)


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return lookup_parser("vm", SUMMARY, NAME)


def run(argv: Sequence[str]) -> int:
    """Print one or all; raises ServiceError when the service does not answer or does not find it."""
    return run_lookup(parser().parse_args(argv), "/vms/{}")
