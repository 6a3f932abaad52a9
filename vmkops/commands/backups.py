"""`vmkops backups`: the kept backups of the service, with exit statuses for scripts."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from vmkops.commands import EXIT_DONE, EXIT_FAILED, SERVICE, _backups_adopt
from vmkops.commands._kinds import BACKUPS
from vmkops.commands._lists import add_list_options, print_list, query_of, read_list, show, without_list
from vmkops.commands._near import nearest, shown
from vmkops.commands._parser import Parser

SUMMARY = "list the kept backups, show one, or name the VMs without a fresh one"
GROUP = SERVICE

BY_SCHEDULES = "schedules"

Rendered = tuple[str, bool]
"""An answer as text, and whether the exit status is 0."""


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(
        prog="vmkops backups",
        description=SUMMARY,
        epilog="`vmkops backups adopt DIR` takes packages of another installation or program among them: see "
        "`vmkops backups adopt --help`.",
    )
    which = made.add_mutually_exclusive_group()
    which.add_argument(
        "id",
        nargs="?",
        metavar="ID",
        help="the backup to show, by its id or the beginning of it; newest:NAME is the newest good one of that VM, "
        "newest:prod/NAME of the one in the vCenter prod",
    )
    which.add_argument(
        "--vm",
        metavar="NAME",
        default="",
        help="list only the backups of this VM: its name, or prod/NAME, uuid:, moref:",
    )
    which.add_argument(
        "--stale",
        metavar="AGE",
        nargs="?",
        const=BY_SCHEDULES,
        type=_age,
        help="name the VMs without a good backup of that age or newer, such as 90m, 24h or 7d; without an age, each VM "
        "is judged by the schedules that back it up, or by 24h when there are none; exit status 1 when there are any",
    )
    which.add_argument(
        "--target",
        metavar="NAME",
        default="",
        help="list the copies that this copy target has now; `vmkops action fetch-backup ID source=NAME` brings one "
        "back",
    )
    add_list_options(made, BACKUPS)
    return made


def run(argv: Sequence[str]) -> int:
    """List backups (1 for a VM without any), show one, name the stale VMs (1 when there are any), or adopt packages."""
    import asyncio

    if argv[:1] == [_backups_adopt.ADOPT]:
        return _backups_adopt.run(argv[1:])
    made = parser()
    misspelt, word = [*argv, "", ""][:2]
    if word and not word.startswith("-") and nearest(misspelt, [_backups_adopt.ADOPT]):
        made.error(f"there is no {shown(misspelt)}. Did you mean {_backups_adopt.ADOPT}?")
    options = made.parse_args(without_list(argv))
    if options.stale == BY_SCHEDULES:
        return asyncio.run(_show("/backups/freshness", _stale, options.json, by=BY_SCHEDULES))
    if options.stale:
        return asyncio.run(_show("/backups/freshness", _stale, options.json, older_than=options.stale))
    if options.target:
        return asyncio.run(_show(f"/copies/{quote(options.target, safe='')}", _copies, options.json))
    if options.id:
        return asyncio.run(_show(f"/backups/{quote(options.id, safe='')}", _one, options.json))
    if not options.vm:
        return print_list(BACKUPS, options)
    listing = replace(
        BACKUPS,
        none=f"No backup of a VM {options.vm!r} is kept here. `vmkops backups` lists all backups.",
        fixed=(("vm", options.vm),),
    )
    if options.watch:
        return print_list(listing, options)
    answer = asyncio.run(read_list(listing, query_of(listing, options)))
    if options.json:
        print(json.dumps(answer))
    else:
        show(listing, answer)
    return EXIT_DONE if answer["backups"] else EXIT_FAILED


def _age(text: str) -> str:
    from service.backups.freshness import AGE

    if text != BY_SCHEDULES and not re.fullmatch(AGE, text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes, hours or days, such as 90m, 24h or 7d")
    return text


async def _show(path: str, render: Callable[[Mapping[str, Any]], Rendered], as_json: bool, **query: str) -> int:
    from vmkops.commands._console import client
    from vmkops.commands._shown import for_people

    async with client() as service:
        found = await service.get(path, **query)
    text, good = render(found)
    print(json.dumps(found) if as_json else for_people(text.rstrip("\n")))
    return 0 if good else 1


def _one(found: Mapping[str, Any]) -> Rendered:
    from service.backups.catalogue import KeptBackup
    from service.backups.text import backup_words

    return backup_words(KeptBackup.model_validate(found)), True


def _copies(found: Mapping[str, Any]) -> Rendered:
    from service.backups.catalogue import KeptBackup
    from service.backups.text import copies_words

    copies = [KeptBackup.model_validate(each) for each in found["backups"]]
    return copies_words(found["target"], found["where"], copies), True


def _stale(found: Mapping[str, Any]) -> Rendered:
    from service.backups.freshness import FreshnessReport
    from service.backups.text import freshness_words

    report = FreshnessReport.model_validate(found)
    return freshness_words(report), not report.stale
