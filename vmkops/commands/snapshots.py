"""`vmkops snapshots`: every snapshot, the oldest first, and the VMs whose disks need to be merged."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import replace

from vmkops.commands import EXIT_DONE, SERVICE
from vmkops.commands._kinds import SNAPSHOTS
from vmkops.commands._lists import add_list_options, print_list, query_of, read_list
from vmkops.commands._parser import Parser

SUMMARY = "list the snapshots of all VMs or of one, the oldest first"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(prog="vmkops snapshots", description=SUMMARY)
    made.add_argument("name", nargs="?", metavar="NAME", help="a part of the name of the VM or of the snapshot")
    add_list_options(made, SNAPSHOTS)
    return made


def run(argv: Sequence[str]) -> int:
    """List the snapshots; raises ServiceError when the service does not answer."""
    options = parser().parse_args(argv)
    listing = SNAPSHOTS
    if options.name:
        none = f"No snapshots of a VM, or with a name, that has {options.name!r} in it. `vmkops snapshots` lists all."
        listing = replace(SNAPSHOTS, none=none, fixed=(("q", options.name),))
    if options.needs and not options.watch:
        return asyncio.run(_print_needs(options))
    return print_list(listing, options)


async def _print_needs(options: argparse.Namespace) -> int:
    """The VMs with disks to merge, with the files, as the service describes them, and old snapshots."""
    from vmkops.commands._console import client

    query = {**query_of(SNAPSHOTS, options), **({"q": options.name} if options.name else {})}
    answer = await read_list(SNAPSHOTS, query)
    if options.json:
        print(json.dumps(answer))
        return EXIT_DONE
    async with client() as service:
        text = await service.get_text("/snapshots", **{name: str(value) for name, value in query.items()})
    found = answer["snapshots"] or answer["unmerged"]
    print(text, end="", file=sys.stdout if found else sys.stderr)
    return EXIT_DONE
