"""Cards of the runs of procedures: one run with its next step, the list of runs, and a run to paste elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.blocks import (
    PREFORMATTED_LENGTH,
    Message,
    bold,
    button,
    code,
    context,
    escape,
    header,
    message,
    person,
    preformatted,
    section,
    shortened,
)
from bot.cards.markdown import mrkdwn
from service.api.runs import attributed

TICK = "run_tick"
"""The action id of the button that marks a step as done; its value is JSON with `run` and `item`."""
EXPORT = "run_export"
"""The action id of the button that exports a run; its value is the run's id."""

SIGNS = {"open": "☐", "done": "☑", "skipped": "☒"}


def run_card(run: Mapping[str, Any]) -> Message:
    """One run: what it is about, who did what, the next step in full with its boxes, and a button to tick it.

    `run` is a run as the service returns it: `id`, `title`, `procedure`, `targets`, `incident`, `started_by`,
    `before`, `progress`, `history`, and `items` with `id`, `title`, `text`, `state`, `mark` and `notes`.
    """
    blocks = [header(run["title"]), context(*_about(run))]
    if not run["history"] and run["before"]:
        blocks.append(section(bold("Before"), mrkdwn(run["before"])))
    blocks.append(section(" · ".join(_state(item) for item in run["items"])))
    blocks += [section(*notes) for item in run["items"] if (notes := _notes(item))][-5:]
    following = next((item for item in run["items"] if item["id"] == run["progress"]["next"]), None)
    buttons = []
    if following:
        blocks.append(section(bold(following["id"]), mrkdwn(following["text"])))
        buttons.append(button(TICK, f"{following['id']} is done", json.dumps(_pair(run, following)), "primary"))
    buttons.append(button(EXPORT, "Export", run["id"]))
    blocks.append({"type": "actions", "elements": buttons})
    if following:
        command = code(f"/runs skip {run['id']} {following['id']} REASON")
        blocks.append(context(f"To skip this step, type {command}"))
    return message(f"{run['title']}: {_progress(run)}", blocks)


def run_list(runs: Sequence[Mapping[str, Any]]) -> Message:
    """Runs, newest first: mappings with `id`, `title`, `targets`, `incident`, `started_by` and `progress`."""
    if not runs:
        hint = section("No runs yet.", f"To start one, type {code('/runs start NAME')}")
        return message("No runs yet.", [hint])
    lines = [section(f"{bold(run['title'])} {code(_place(run))}", " · ".join(_about(run)[1:])) for run in runs]
    return message("Runs: " + ", ".join(run["title"] for run in runs), lines)


def export_card(run_id: str, markdown: str) -> Message:
    """A run as Markdown, to copy into the incident."""
    blocks = [section(preformatted(part)) for part in _parts(markdown)]
    hint = context(f"In the shell: {code(f'vmkops runs export {run_id}')}")
    return message(f"Run {run_id} as Markdown", [*blocks, hint])


def _place(run: Mapping[str, Any]) -> str:
    """The id of a run that `/runs ID` shows; the path of any other one, such as that of a P2V checklist."""
    path = str(run.get("path", ""))
    return path if path and path != f"/runs/{run['id']}" else str(run["id"])


def _about(run: Mapping[str, Any]) -> list[str]:
    targets = [f"{name} {code(value)}" for name, value in run["targets"].items()]
    incident = [f"incident {escape(run['incident'])}"] if run["incident"] else []
    started = f"started by {_who(run['started_by'], run.get('started_token', ''), run.get('by', ''))}"
    return [f"run {code(run['id'])}", *targets, *incident, started, escape(_progress(run))]


def _progress(run: Mapping[str, Any]) -> str:
    now = run["progress"]
    counts = f"{now['done']} done, {now['skipped']} skipped, {now['open']} open"
    return f"{counts}, finished" if now["finished"] else counts


def _state(item: Mapping[str, Any]) -> str:
    mark = item["mark"]
    who = f" {_marker(mark)}" if mark else ""
    return f"{SIGNS[item['state']]} {escape(item['id'])}{who}"


def _notes(item: Mapping[str, Any]) -> list[str]:
    """What people wrote about a step, each with the name."""
    marks = [mark for mark in (item["mark"], *item["notes"]) if mark and mark["note"]]
    return [f"{escape(item['id'])}, {_marker(each)}: {escape(shortened(each['note'], 300))}" for each in marks]


def _marker(mark: Mapping[str, Any]) -> str:
    """Who made a change; without the token for people of this Slack, whose changes all come with that of the bot."""
    by = mark.get("by", "")
    return _who(mark["who"], mark.get("token", "") if by else "", by)


def _who(actor: str, token: str, by: str) -> str:
    """A mention of an actor; with the name that the person gave in the shell, that name and the actor in brackets."""
    return escape(attributed(actor, token, by)) if by else person(actor, token)


def _pair(run: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, str]:
    return {"run": run["id"], "item": item["id"]}


def _parts(text: str) -> Iterator[str]:
    """The text in parts that fit into one block each, cut between lines."""
    part = ""
    for line in text.splitlines():
        if part and len(escape(f"{part}\n{line}")) > PREFORMATTED_LENGTH:
            yield part
            part = line
        else:
            part = f"{part}\n{line}" if part else line
    if part:
        yield part
