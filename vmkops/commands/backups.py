"""`vmkops backups`: the kept backups of the service, with exit statuses for scripts."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from vmkops.commands import SERVICE

SUMMARY = "list the kept backups, show one, or name the VMs without a fresh one"
GROUP = SERVICE

BY_SCHEDULES = "schedules"

Rendered = tuple[str, bool]
"""An answer as text, and whether the exit status is 0."""


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = argparse.ArgumentParser(prog="vmkops backups", description=SUMMARY)
    which = made.add_mutually_exclusive_group()
    which.add_argument(
        "id", nargs="?", metavar="ID", help="the backup to show; newest:NAME is the newest good one of that VM"
    )
    which.add_argument("--vm", metavar="NAME", default="", help="list only the backups of the VM with this name")
    which.add_argument(
        "--stale",
        metavar="AGE",
        nargs="?",
        const=BY_SCHEDULES,
        type=_age,
        help="name the VMs without a good backup of that age or newer, such as 90m, 24h or 7d; without an age, each VM "
        "is judged by the schedules that back it up, or by 24h when there are none; exit status 1 when there are any",
    )
    made.add_argument("--json", action="store_true", help="print the fields of the HTTP API")
    return made


def run(argv: Sequence[str]) -> int:
    """List backups (1 when there are none), show one, or name the stale VMs (1 when there are any)."""
    options = parser().parse_args(argv)
    if options.stale == BY_SCHEDULES:
        return asyncio.run(_show("/backups/freshness", _stale, options.json, by=BY_SCHEDULES))
    if options.stale:
        return asyncio.run(_show("/backups/freshness", _stale, options.json, older_than=options.stale))
    if options.id:
        return asyncio.run(_show(f"/backups/{quote(options.id, safe='')}", _one, options.json))
    return asyncio.run(_show("/backups", lambda found: _list(found, options.vm), options.json, vm=options.vm))


def _age(text: str) -> str:
    from service.backups.freshness import AGE

    if text != BY_SCHEDULES and not re.fullmatch(AGE, text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes, hours or days, such as 90m, 24h or 7d")
    return text


async def _show(path: str, render: Callable[[Mapping[str, Any]], Rendered], as_json: bool, **query: str) -> int:
    from vmkops.commands._console import client

    async with client() as service:
        found = await service.get(path, **query)
    text, good = render(found)
    print(json.dumps(found) if as_json else text.rstrip("\n"))
    return 0 if good else 1


def _list(found: Mapping[str, Any], vm: str) -> Rendered:
    from service.backups.catalogue import KeptBackup
    from service.backups.text import list_words

    backups = [KeptBackup.model_validate(each) for each in found["backups"]]
    if vm and not backups:
        return f"No backup of a VM {vm!r} is kept here.", False
    return list_words(backups), bool(backups)


def _one(found: Mapping[str, Any]) -> Rendered:
    from service.backups.catalogue import KeptBackup
    from service.backups.text import backup_words

    return backup_words(KeptBackup.model_validate(found)), True


def _stale(found: Mapping[str, Any]) -> Rendered:
    from service.backups.freshness import FreshnessReport
    from service.backups.text import freshness_words

    report = FreshnessReport.model_validate(found)
    return freshness_words(report), not report.stale
