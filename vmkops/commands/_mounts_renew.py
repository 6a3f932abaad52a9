"""`vmkops mounts renew`: lets a mount stay longer."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from vmkops.commands import EXIT_DONE
from vmkops.commands._options import length
from vmkops.commands._parser import Parser

RENEW = "renew"
SUMMARY = "let what mount has staged stay longer"


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(
        prog=f"vmkops mounts {RENEW}",
        description=SUMMARY,
        epilog="Exit status: 0 the lease is renewed; 1 nothing is mounted there, or its lease has ended; 2 wrong "
        "usage; 3 the service does not answer.",
    )
    made.add_argument("dir", metavar="DIR", help="the folder: its name, or its full path on the host of the service")
    made.add_argument(
        "--lease",
        type=length,
        metavar="TIME",
        help="how long it stays from now on, such as 90m, 6h or 2d; by default VMKOPS_MOUNT_LEASE_HOURS of the service",
    )
    made.add_argument("--json", action="store_true", help="print the mount as JSON")
    return made


def run(argv: Sequence[str]) -> int:
    """Renew a lease; raises ServiceError when the service refuses."""
    options = parser().parse_args(argv)
    if not options.dir.strip("/."):  # in the path of a call, these have a meaning of their own
        parser().error("name the folder that mount has staged; `vmkops mounts` lists them")

    from service.api.units import when
    from service.api.words import printable

    mount = asyncio.run(_renew(options.dir, options.lease or ""))
    until = when(mount["until"], None)
    words = f"{mount['folder']} stays until {until}"
    if mount.get("already"):
        words = f"Nothing was changed: {mount['folder']} stays until {until} already, and no lease becomes shorter."
    print(printable(json.dumps(mount) if options.json else words))
    return EXIT_DONE


async def _renew(folder: str, lease: str) -> Any:
    from vmkops.commands._console import client

    async with client() as service:
        return await service.call("POST", f"/mounts/{quote(folder, safe='')}/renew", body={"lease": lease})
