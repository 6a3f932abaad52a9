"""`vmkops runs`: the runs of procedures, which a team works through step by step."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from vmkops.commands import SERVICE
from vmkops.commands._shown import for_people
from vmkops.commands._subcommands import Handler, Subcommands

SUMMARY = "work through a procedure as a team: start a run, tick its steps, export it to the incident"
GROUP = SERVICE

_EXAMPLES = """\
examples:
  vmkops runs start consolidation-needed --vm web-01 --incident INC-1042
  vmkops runs show 5f0c6d2a9b3e1477
  vmkops runs tick 5f0c6d2a9b3e1477 step-1 --note "no other task is running" --by Anna
  vmkops runs skip 5f0c6d2a9b3e1477 step-2 "the datastore has enough free space"
  vmkops runs export 5f0c6d2a9b3e1477 > incident.md

Exit status: 0 done, 1 not found or refused, 2 wrong usage.
"""


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return _commands().parser


def run(argv: Sequence[str]) -> int:
    """Run one `vmkops runs` command; 0 done, 2 wrong usage. Raises ServiceError when the service refuses."""
    return _commands().run(argv)


def _commands() -> Subcommands:
    commands = Subcommands("runs", SUMMARY, _EXAMPLES)
    started = commands.add("start", _start, "start a run of a procedure, and print it")
    started.add_argument("slug", metavar="SLUG", help="the procedure, as `vmkops kb` shows it")
    for target in ("vm", "host", "datastore"):
        started.add_argument(f"--{target}", default="", metavar="NAME", help=f"the {target} that it is about")
    started.add_argument("--incident", default="", metavar="REFERENCE", help="number or address of the incident")
    _add_by(started)

    listed = commands.add("list", _list, "list runs, newest first")
    listed.add_argument("--procedure", default="", metavar="SLUG", help="only runs of this procedure")
    listed.add_argument("--incident", default="", metavar="REFERENCE", help="only runs for this incident")
    listed.add_argument("--limit", type=int, default=50, help="how many at most, 1 to 200 (default %(default)s)")

    listed.add_argument("--cursor", default="", help="the runs after those of an earlier answer, which has the cursor")

    shown = commands.add("show", _show, "show a run: who did what, and what is still to do")
    _add_run(shown)
    exported = commands.add("export", _export, "print a run as Markdown, to paste into the incident")
    _add_run(exported)

    ticked = commands.add("tick", _mark("done"), "mark a step as done")
    ticked.add_argument("--note", default="", help="what you found or did")
    reopened = commands.add("untick", _mark("open"), "open a step again")
    reopened.add_argument("--note", default="", help="why")
    skipped = commands.add("skip", _mark("skipped"), "mark a step as skipped, with the reason")
    noted = commands.add("note", _mark(None), "add a note to a step")
    for parser in (ticked, reopened, skipped, noted):
        _add_run(parser)
        _add_by(parser)
        parser.add_argument("--all", action="store_true", help="print the whole run, not only this step and the next")
        parser.add_argument("item", metavar="STEP", help="the id of the step, such as step-2 or check-1")
    skipped.add_argument("note", metavar="REASON", help="why the step is skipped")
    noted.add_argument("note", metavar="NOTE", help="what you found or did")
    return commands


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="RUN", help="the id of the run")


def _add_by(parser: argparse.ArgumentParser) -> None:
    words = "who does it, beside the name of the token (default: your login name)"
    parser.add_argument("--by", default=None, metavar="NAME", help=words)


def _by(options: argparse.Namespace) -> str:
    """The name in --by, or the login name; empty when the system does not know one, as in some containers."""
    import getpass

    if options.by is not None:
        return str(options.by)
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # KeyError up to Python 3.12
        return ""
    return name if name.isprintable() else ""


def _start(options: argparse.Namespace) -> int:
    names = ("vm", "host", "datastore", "incident")
    body = {name: getattr(options, name) for name in names if getattr(options, name)} | {"by": _by(options)}
    return asyncio.run(_send("POST", f"/procedures/{quote(options.slug, safe='')}/runs", body, options))


def _list(options: argparse.Namespace) -> int:
    from vmkops.commands._inventory import print_answer

    asked = {name: str(getattr(options, name)) for name in ("procedure", "incident", "limit", "cursor")}
    return asyncio.run(
        print_answer("/runs", {name: value for name, value in asked.items() if value}, as_json=options.json)
    )


def _show(options: argparse.Namespace) -> int:
    from vmkops.commands._inventory import print_answer

    return asyncio.run(print_answer(_path(options), {}, as_json=options.json))


def _export(options: argparse.Namespace) -> int:
    return asyncio.run(_print_markdown(options))


async def _print_markdown(options: argparse.Namespace) -> int:
    from vmkops.commands._console import client

    async with client() as service:
        text = await service.get_text(f"{_path(options)}/markdown")
    print(json.dumps({"markdown": text}) if options.json else text, end="\n" if options.json else "")
    return 0


def _mark(state: str | None) -> Handler:
    """The handler of a command that sets this state; without a state, it only adds a note."""

    def handler(options: argparse.Namespace) -> int:
        body = {"note": options.note, "by": _by(options)} | ({"state": state} if state else {})
        return asyncio.run(_send("PATCH", f"{_path(options)}/items/{quote(options.item, safe='')}", body, options))

    return handler


async def _send(method: str, path: str, body: dict[str, Any], options: argparse.Namespace) -> int:
    """Send a change and print the run as it is then, or after a change of one step, what matters to the next."""
    from vmkops.commands._console import client

    async with client() as service:
        changed = await service.send(method, path, body)
        if options.json:
            print(json.dumps(changed))
        elif method == "PATCH" and not options.all:
            print(for_people(_after_mark(changed, options.item)))
        else:
            print(for_people(await service.get_text(f"/runs/{changed['id']}")), end="")
    return 0


def _after_mark(run: dict[str, Any], item: str) -> str:
    """The step that was changed, the next one, and the progress of the run."""
    from knowledge.runs.markdown import in_short, item_text
    from service.api.runs import ProcedureRunDetails

    changed = ProcedureRunDetails.model_validate(run)
    wanted = dict.fromkeys([item, *([changed.progress.next] if changed.progress.next else [])])
    steps = {each.id: item_text(each, each.mark, each.notes) for each in changed.items}
    shown = [steps[each] for each in wanted if each in steps]
    return "\n\n".join([*shown, f"{in_short(changed.progress)} (all steps: vmkops runs show {changed.id})"])


def _path(options: argparse.Namespace) -> str:
    return f"/runs/{quote(options.id, safe='')}"
