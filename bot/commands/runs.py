"""`/runs`: starts a run of a procedure, ticks its steps, and exports it."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from bot.arguments import UsageError, name_and_values, single_argument
from bot.blocks import Reply
from bot.cards.runs import export_card, run_card, run_list
from bot.commands._base import Command
from bot.request import Request

STATES = {"tick": "done", "skip": "skipped", "untick": "open", "note": None}
"""The words that change a step, and the state that each one sets."""

ABOUT = ("vm", "host", "datastore", "incident")
"""What a run can be about."""


class RunQuery(NamedTuple):
    """What to do: `list`, `show`, `start`, `export`, or a key of STATES; and to what."""

    verb: str
    name: str = ""
    """The id of the run; for `start`, the name of the procedure."""
    item: str = ""
    note: str = ""
    about: dict[str, str] | None = None
    """What a new run is about, by the names in ABOUT."""


def parse(text: str) -> RunQuery:
    """What to do. Raises UsageError when something is missing or unknown."""
    verb, *rest = single_argument(text).split(maxsplit=1) or [""]
    words = rest[0].split(maxsplit=2) if rest else []
    match verb.lower():
        case "":
            return RunQuery("list")
        case "start":
            return _start(rest[0] if rest else "")
        case "export" if len(words) == 1:
            return RunQuery("export", words[0])
        case "skip" | "note" if len(words) == 2:
            raise UsageError("The reason is missing." if verb.lower() == "skip" else "The note is missing.")
        case "tick" | "skip" | "untick" | "note" if len(words) >= 2:
            return RunQuery(verb.lower(), words[0], words[1], words[2] if len(words) > 2 else "")
        case "tick" | "skip" | "untick" | "note":
            raise UsageError("Name the run and the step.")
        case "export":
            raise UsageError("Name the run.")
        case _ if not rest:
            return RunQuery("show", verb)
    raise UsageError(f"{verb[:40]} is not a way to use it.")


def _start(text: str) -> RunQuery:
    name, about = name_and_values(text)
    if not name:
        raise UsageError("The name of the procedure is missing.")
    if unknown := next((key for key in about if key not in ABOUT), None):
        raise UsageError(f"{unknown} is unknown. Give vm=NAME, host=NAME, datastore=NAME or incident=NUMBER.")
    return RunQuery("start", name, about=about)


async def run(query: RunQuery, request: Request) -> Reply:
    """Show every change in the channel, for the whole team; lists, one run and an export only to the user."""
    service = request.deps.service
    path = f"/runs/{quote(query.name, safe='')}"
    match query.verb:
        case "list":
            found = await service.get("/runs", limit="10", on_behalf_of=request.on_behalf_of)
            return Reply(run_list(found["runs"]))
        case "show":
            return Reply(run_card(await service.get(path, on_behalf_of=request.on_behalf_of)))
        case "export":
            return await export(query.name, request)
        case "start":
            return await start(query.name, query.about or {}, request)
    return await mark(query.name, query.item, STATES[query.verb], query.note, request)


async def start(procedure: str, about: dict[str, str], request: Request) -> Reply:
    """Start a run; `about` has its targets and its incident by the names in ABOUT."""
    path = f"/procedures/{quote(procedure, safe='')}/runs"
    started = await request.deps.service.send("POST", path, about, on_behalf_of=request.on_behalf_of)
    return Reply(run_card(started), public=True)


async def mark(run_id: str, item: str, state: str | None, note: str, request: Request) -> Reply:
    """Set the state of a step, or only add a note when `state` is None."""
    path = f"/runs/{quote(run_id, safe='')}/items/{quote(item, safe='')}"
    body = {"note": note} | ({"state": state} if state else {})
    changed = await request.deps.service.send("PATCH", path, body, on_behalf_of=request.on_behalf_of)
    return Reply(run_card(changed), public=True)


async def export(run_id: str, request: Request) -> Reply:
    """Show the run as Markdown."""
    path = f"/runs/{quote(run_id, safe='')}/markdown"
    return Reply(export_card(run_id, await request.deps.service.get_text(path, on_behalf_of=request.on_behalf_of)))


command = Command(
    name="/runs",
    usage="/runs [RUN] | start NAME [vm=... host=... datastore=... incident=...] | tick|untick RUN STEP [NOTE] | "
    "skip RUN STEP REASON | note RUN STEP NOTE | export RUN",
    summary="Works through a procedure as a team: starts a run, ticks its steps, exports it to the incident.",
    examples=(
        "/runs start consolidation-needed vm=web-01 incident=INC-1042",
        "/runs skip 5f0c6d2a9b3e1477 step-2 the datastore has enough free space",
    ),
    procedures=("alerts-setup", "linux-p2v"),
    parse=parse,
    run=run,
)
