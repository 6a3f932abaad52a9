"""The subcommands of `vmkops schedules`: make a schedule, look at what it will do, pause it, and run it now."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from service.api.units import when
from vmkops.commands._kinds import SCHEDULES
from vmkops.commands._lists import add_list_arguments, print_one_or_list
from vmkops.commands._options import add_patience_option
from vmkops.commands._shown import for_people
from vmkops.commands._subcommands import Subcommands

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

DONE, REFUSED, WRONG_USAGE = 0, 1, 2
YES = "yes"
SHOWN = 20
"""How many VMs a preview names."""
EXAMPLES = """examples:
  vmkops schedules add nightly --vms 'tag:Backup=gold,!name:test-*' --cron '0 22 * * *' --tz Europe/Berlin \\
    --window 22:00-06:00 --keep 7d,4w,6m --report-to '#ops'
  vmkops schedules add verify --action verify-backup --vms tag:Backup=gold --cron '0 8 * * 6' --keep 7d,4w,6m
  vmkops schedules preview nightly"""


def commands(summary: str) -> Subcommands:
    """All subcommands."""
    made = Subcommands("schedules", summary, EXAMPLES)
    for name, what in (("list", "list the schedules, or show one"), ("show", "show one schedule")):
        _add_list(made, name, what)
    _add_options(made.add("add", _add, "make a schedule, or replace one"))
    _name(made.add("preview", _preview, "show the next five runs, and the VMs that are selected today"))
    _name(made.add("remove", _remove, "remove a schedule; jobs that it has started go on"))
    _name(made.add("pause", _pause, "stop a schedule from starting anything until it is resumed"))
    _name(made.add("resume", _resume, "let a paused schedule start jobs again, from its next time on"))
    run = _name(made.add("run", _run, "start the job of a schedule now, and follow it"))
    run.add_argument(
        "--any-time", action="store_true", help="start it also outside of its window, and let it run to its end"
    )
    run.add_argument("--no-wait", action="store_true", help="print the id of the job and return")
    add_patience_option(run)
    return made


def _add_list(made: Subcommands, name: str, what: str) -> None:
    def print_them(options: Namespace) -> int:
        return print_one_or_list(SCHEDULES, parser, options)

    parser = made.add(name, print_them, what, json=False)
    add_list_arguments(parser, SCHEDULES, "the name of a schedule")


def _name(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("name", metavar="NAME", help="the name of the schedule")
    return parser


def _add_options(parser: ArgumentParser) -> None:
    _name(parser)
    parser.add_argument("--action", default="backup", metavar="NAME", help="the action; backup by default")
    parser.add_argument(
        "--vms",
        metavar="SELECTION",
        help="run the action on each of these VMs: terms, separated by commas, such as tag:gold, folder:/DC0/prod/*, "
        "name:web-*, host:, datastore:, vcenter:, power:on, a selector or all; a term after ! excludes",
    )
    parser.add_argument(
        "--cron", required=True, metavar="FIELDS", help="minute, hour, day, month and weekday, such as '30 2 * * *'"
    )
    parser.add_argument(
        "--tz", default="UTC", metavar="ZONE", help="the time zone, such as Europe/Berlin; otherwise UTC"
    )
    parser.add_argument(
        "--window", metavar="HH:MM-HH:MM", help="when the jobs of the VMs may start, such as 22:00-06:00"
    )
    parser.add_argument(
        "--max-parallel", type=int, metavar="N", help="how many VMs have a job at the same time; 4 by default"
    )
    parser.add_argument(
        "--keep",
        metavar="POLICY",
        help="after the good backup of a VM, remove those that this does not keep, such as 7d,4w,6m: the newest of 7 "
        "days, 4 weeks and 6 months",
    )
    parser.add_argument(
        "--report-to",
        metavar="CHANNEL",
        help="the Slack channel that gets a report of each run, such as '#ops'; vmkops must be a member of it",
    )
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="another parameter of the action, such as quiesce=none; may be repeated",
    )
    parser.add_argument("--replace", action="store_true", help="replace the schedule of this name without a question")
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="accept a target that does not exist yet, or VMs that a dry run refuses now",
    )


def _add(options: Namespace) -> int:
    params: dict[str, Any] = {}
    for word in options.param:
        key, equals, value = word.partition("=")
        if not equals or not key:
            return _wrong(f"--param {word} is not KEY=VALUE")
        params[key.replace("-", "_")] = value
    of_fleet = {"window": options.window, "max_parallel": options.max_parallel, "keep": options.keep}
    of_fleet["report_to"] = options.report_to
    given = {name: value for name, value in of_fleet.items() if value is not None}
    if options.vms is None and given:
        return _wrong(f"--{next(iter(given)).replace('_', '-')} needs --vms")
    body = {"action": options.action, "params": params, "cron": options.cron, "timezone": options.tz}
    if options.vms is not None:
        body |= {"action": "fleet"}
        body |= {"params": {"vms": options.vms, "action": options.action, "params": params, **given}}
    body["allow_missing"] = options.allow_missing
    if not options.replace and (status := _ask_to_replace(options)) != DONE:
        return status
    made = asyncio.run(_call("PUT", _path(options), body))
    if options.json:
        print(json.dumps(made))
        return DONE
    print(f"Schedule {made['name']} {'replaced' if made['replaced'] else 'made'}.")
    return _preview(options)


def _ask_to_replace(options: Namespace) -> int:
    """Whether the schedule may be saved: there is none of this name, or the person says yes."""
    every = asyncio.run(_call("GET", "/schedules"))["schedules"]
    old = next((each for each in every if each["name"] == options.name), None)
    if old is None:
        return DONE
    print(f"There is already a schedule of this name:\n{_told(old)}", file=sys.stderr)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        print("Nothing was changed. To replace it, add --replace.", file=sys.stderr)
        return WRONG_USAGE
    from vmkops.commands._ask import stopped_before

    print(f"Type {YES} to replace it: ", end="", file=sys.stderr, flush=True)
    with stopped_before("Nothing was changed."):
        if sys.stdin.readline().strip().lower() == YES:
            return DONE
    print("Nothing was changed.", file=sys.stderr)
    return REFUSED


def _preview(options: Namespace) -> int:
    found = asyncio.run(_call("GET", f"{_path(options)}/preview"))
    if options.json:
        print(json.dumps(found))
    else:
        print(for_people(found["what"]))
        for at in map(datetime.fromisoformat, found["next"]):  # on the clock of the schedule
            print(f"  {at:%a} {when(at, at.tzinfo)}")
        for check in found["checks"]:
            print(f"{check['severity']:<6}  {for_people(check['message'])}")
        for name in found["vms"][:SHOWN]:
            print(f"  {for_people(name)}")
        if (more := len(found["vms"]) - SHOWN) > 0:
            print(f"  and {more} more; --json names all")
    return REFUSED if any(check["severity"] == "refuse" for check in found["checks"]) else DONE


def _remove(options: Namespace) -> int:
    asyncio.run(_call("DELETE", _path(options)))
    if not options.json:
        print(f"Schedule {options.name} removed.")
    return DONE


def _pause(options: Namespace) -> int:
    return _print(asyncio.run(_call("POST", f"{_path(options)}/pause")), options)


def _resume(options: Namespace) -> int:
    return _print(asyncio.run(_call("POST", f"{_path(options)}/resume")), options)


def _run(options: Namespace) -> int:
    from service.api.client import Job
    from vmkops.commands._console import print_start
    from vmkops.commands._follow import follow_to_end

    paused = asyncio.run(_call("GET", _path(options)))["paused"]
    query = {"any_time": "true"} if options.any_time else {}
    started = asyncio.run(_call("POST", f"{_path(options)}/run", None, query))
    job = Job.model_validate(started)
    print_start(job)
    if paused:
        once = "That job goes on" if job.joined else "This one run starts all the same"
        print(for_people(f"{once}, and the schedule stays paused. {paused}"), file=sys.stderr)
    if options.no_wait:
        print(json.dumps(started) if options.json else started["id"])
        return DONE
    return follow_to_end(job, patience=options.patience, as_json=options.json)


async def _call(
    method: str, path: str, body: dict[str, Any] | None = None, query: Mapping[str, str] | None = None
) -> dict[str, Any]:
    from vmkops.commands._console import client

    async with client() as service:
        return await service.call(method, path, body=body, query=query or {})


def _path(options: Namespace) -> str:
    return f"/schedules/{quote(options.name, safe='')}"


def _print(schedule: Mapping[str, Any], options: Namespace) -> int:
    print(json.dumps(schedule) if options.json else _told(schedule))
    return DONE


def _told(schedule: Mapping[str, Any]) -> str:
    from service.api.schedules import Schedule, schedule_words

    return for_people(schedule_words(Schedule.model_validate(schedule), None).rstrip("\n"))


def _wrong(why: str) -> int:
    print(f"vmkops schedules add: {why}", file=sys.stderr)
    return WRONG_USAGE
