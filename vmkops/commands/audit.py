"""`vmkops audit`: who did what, when and from where, as the service recorded it."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from vmkops.commands import SERVICE
from vmkops.commands._parser import Parser

SUMMARY = "show who did what, when and from where"
GROUP = SERVICE

AGE = re.compile(r"([1-9][0-9]{0,3})([mhd])")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
FILTERS = ("event", "token", "person", "request")


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(
        prog="vmkops audit", description=SUMMARY, epilog="It needs a token with the scope admin in VMKOPS_TOKEN."
    )
    made.add_argument("--event", help="only this event, such as action.started or token.refused")
    made.add_argument("--token", metavar="NAME", help="only calls with the token of this name")
    made.add_argument("--person", help="only this person, such as slack:U012AB3CD")
    made.add_argument("--request", metavar="ID", help="only the request with this ID")
    made.add_argument("--since", metavar="AGE", help="only entries of this time, such as 90m, 24h or 7d")
    made.add_argument("--limit", type=int, default=50, metavar="N", help="how many, newest first; 50 without it")
    made.add_argument("--cursor", metavar="N", help="the entries before these: `next` of the answer before")
    made.add_argument("--json", action="store_true", help="print JSON, as `vmkops help commands` describes it")
    return made


def run(argv: Sequence[str]) -> int:
    """Print the entries, newest first; raises ServiceError."""
    options = parser().parse_args(argv)
    query = {name: value for name in (*FILTERS, "cursor") if (value := getattr(options, name))}
    query["limit"] = str(options.limit)
    if options.since:
        found = AGE.fullmatch(options.since)
        if found is None:
            parser().error("write --since in minutes, hours or days, such as 90m, 24h or 7d")
        query["since"] = (datetime.now(UTC) - timedelta(**{UNITS[found[2]]: int(found[1])})).isoformat()
    asyncio.run(_show(query, as_json=options.json))
    return 0


async def _show(query: dict[str, str], *, as_json: bool) -> None:
    from vmkops.commands._console import client
    from vmkops.commands._shown import for_people

    async with client() as service:
        if as_json:
            print(json.dumps(await service.get("/audit", **query)))
        else:
            print(for_people(await service.get_text("/audit", **query)), end="")
