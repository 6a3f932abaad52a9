"""`vmkops mounts`: what is mounted."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from vmkops.commands import SERVICE, _mounts_renew
from vmkops.commands._kinds import MOUNTS
from vmkops.commands._lists import add_list_options, print_list, without_list
from vmkops.commands._near import nearest, shown
from vmkops.commands._parser import Parser

SUMMARY = "list the VMs that are staged for another backup product"
GROUP = SERVICE
SUBCOMMANDS = ("list", _mounts_renew.RENEW)


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(
        prog="vmkops mounts",
        description=SUMMARY,
        epilog="`vmkops mounts renew DIR` lets one stay longer: see `vmkops mounts renew --help`.",
    )
    add_list_options(made, MOUNTS)
    return made


def run(argv: Sequence[str]) -> int:
    """List the mounts, or renew the lease of one; raises ServiceError when the service does not answer or refuses."""
    if argv[:1] == [_mounts_renew.RENEW]:
        return _mounts_renew.run(argv[1:])
    made = parser()
    if argv and not argv[0].startswith("-") and (near := nearest(argv[0], SUBCOMMANDS)) and near != argv[0]:
        made.error(f"there is no {shown(argv[0])}. Did you mean {near}?")
    return print_list(MOUNTS, made.parse_args(without_list(argv)))
