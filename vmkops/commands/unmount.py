"""`vmkops unmount`: removes what `vmkops mount` staged, or stops the job that still does."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from vmkops.commands import EXIT_DONE, SERVICE
from vmkops.commands._near import did_you_mean
from vmkops.commands._options import add_patience_option
from vmkops.commands._parser import Parser

SUMMARY = "unmount what mount has staged for another backup product"
GROUP = SERVICE
NAMED = 10
"""How many mounts a message names."""


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(
        prog="vmkops unmount",
        description=SUMMARY,
        epilog="Exit status: 0 nothing is mounted there any more, also when nothing was; 1 it is not a mount, its "
        "files cannot be removed, or its lease ended before, so that a save may be incomplete; 2 wrong usage; 3 the "
        "service does not answer.",
    )
    made.add_argument("dir", metavar="DIR", help="the folder: its name, or its full path on the host of the service")
    made.add_argument("--json", action="store_true", help="print the mount as JSON")
    add_patience_option(made)
    return made


def run(argv: Sequence[str]) -> int:
    """Unmount; raises ServiceError when the service refuses."""
    options = parser().parse_args(argv)
    if not options.dir.strip("/."):  # in the path of a call, these have a meaning of their own
        parser().error("name the folder that mount has staged; `vmkops mounts` lists them")
    return asyncio.run(_unmount(options))


def _mounted(names: Sequence[str]) -> str:
    """What is mounted now, as a sentence."""
    if not names:
        return "Nothing is mounted now."
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"Mounted now: {', '.join(names[:NAMED])}{more}."


async def _unmount(options: argparse.Namespace) -> int:
    from service.api.client import ServiceError
    from service.api.units import when
    from service.api.words import printable
    from vmkops.commands._console import client

    path = f"/mounts/{quote(options.dir, safe='')}"
    gone: dict[str, Any] | None = None
    mount: dict[str, Any] | None
    there: list[dict[str, Any]] = []
    async with client() as service:
        while True:
            try:
                mount = await service.call("DELETE", path)
            except ServiceError as error:
                if error.problem.status != 404:
                    raise
                mount = gone
                there = (await service.get("/mounts"))["mounts"] if gone is None and not options.json else []
                break
            if mount["state"] != "stopping":
                break
            print(printable(f"job {mount['job']} still stages it and is stopped"), file=sys.stderr)
            async for job in service.follow(mount["job"], patience=options.patience):
                gone = {**mount, "state": "unmounted", "ended_at": job.finished_at}
    if options.json:
        print(json.dumps(mount or {"name": options.dir, "state": "unmounted"}))
    elif mount is None:
        names = [each["name"] for each in there]
        near = did_you_mean(options.dir.rstrip("/").rpartition("/")[2], names)
        print(printable(f"Nothing was mounted as {options.dir}.{near} {_mounted(names)}"))
    elif mount.get("already"):
        print(printable(f"It was unmounted already, at {when(mount['ended_at'], None)}: {mount['folder']}"))
    else:
        print(printable(f"Unmounted: {mount['folder']}"))
        for each in mount["left"]:
            print(printable(f"It stays, because vmkops did not put it there: {each}"), file=sys.stderr)
    return EXIT_DONE
