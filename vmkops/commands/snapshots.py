"""`vmkops snapshots`: every snapshot, the oldest first, and the VMs whose disks need to be merged."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence

from vmkops.commands import SERVICE

SUMMARY = "list the snapshots of all VMs or of one, the oldest first"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = argparse.ArgumentParser(prog="vmkops snapshots", description=SUMMARY)
    made.add_argument("name", nargs="?", metavar="NAME", help="a part of the name of the VM or of the snapshot")
    made.add_argument(
        "--needs",
        choices=("consolidation",),
        help="also list the VMs whose disks need to be merged, with delta disks that belong to no snapshot",
    )
    made.add_argument(
        "--older-than", metavar="HOURS", help="only snapshots of at least so many hours (72 with --needs)"
    )
    made.add_argument("--json", action="store_true", help="print the fields of the HTTP API")
    return made


def run(argv: Sequence[str]) -> int:
    """List the snapshots; raises ServiceError when the service does not answer."""
    from vmkops.commands._inventory import print_answer

    options = parser().parse_args(argv)
    query = {"q": options.name, "needs": options.needs, "older_than_hours": options.older_than}
    given = {name: value for name, value in query.items() if value}
    return asyncio.run(print_answer("/snapshots", given, as_json=options.json))
