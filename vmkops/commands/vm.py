"""`vmkops vm`: the same as `vmkops vms`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from vmkops.commands import SERVICE
from vmkops.commands._kinds import VMS
from vmkops.commands._lists import list_parser, run_list

SUMMARY = "show a VM, or list all, as vms does"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return list_parser(
        VMS,
        "vm",
        SUMMARY,
        "a name, or name:, ipaddr:, uuid: or moref: and the value; prod/ before it means the one in the vCenter prod",
    )


def run(argv: Sequence[str]) -> int:
    """Print one or all; raises ServiceError when the service does not answer or does not find it."""
    return run_list(VMS, parser(), argv)
