"""P2V checklists that a team works through together: begun, ticked off by name, exported as Markdown."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web
from pydantic import AliasChoices, ConfigDict, Field

from knowledge.p2v.checklist import Item
from knowledge.p2v.markdown import run_markdown
from knowledge.p2v.run import LONGEST_NOTE, State, progress, standings
from service.api.models import Value
from service.api.p2v import P2vMark, P2vRun, P2vRuns, P2vRunSummary, StepMark
from service.http._render import choose_form, render, respond
from service.http._route import Call, Query, Route
from service.http.p2v import Disks, MountPoints, SourceQuery
from service.store.checklist_runs import KeptRun
from service.store.tokens import Scope

BOXES: dict[StepMark, str] = {"open": "[ ]", "done": "[x]", "skipped": "[-]"}


class RunRequest(SourceQuery):
    """The system to be converted, by the same names as in the checklist's query; an unknown name is refused."""

    model_config = ConfigDict(extra="forbid")

    disk: Disks = Field(default=["sda"], validation_alias=AliasChoices("disk", "disks"))
    filesystem: MountPoints = Field(default=["/usr"], validation_alias=AliasChoices("filesystem", "filesystems"))


class MarkRequest(Value):
    """What became of a step; a step that is skipped needs the reason."""

    state: StepMark
    note: str = Field(default="", max_length=LONGEST_NOTE)
    reason: str = Field(default="", max_length=LONGEST_NOTE, description="The same as `note`, for a skipped step.")


class RunsQuery(Query):
    """Which runs to list."""

    limit: int = Field(default=50, ge=1, le=200, description="How many, newest first.")


async def _start(call: Call) -> web.StreamResponse:
    kept = await call.services.runs.start(call.body.source(), call.known_actor().name)
    body, media = render(START, _run(kept), choose_form(call.request))
    return respond(body, media, START.status, {"Location": f"/p2v/runs/{kept.id}"})


async def _list(call: Call) -> P2vRuns:
    kept = await call.services.runs.recent(call.query.limit)
    return P2vRuns(runs=[P2vRunSummary(**_summary(each)) for each in kept])


async def _get(call: Call) -> P2vRun:
    return _run(await call.services.runs.get(call.path("id")))


async def _mark(call: Call) -> P2vRun:
    kept = await call.services.runs.mark(
        call.path("id"),
        call.path("item"),
        State(call.body.state),
        who=call.known_actor().name,
        note=call.body.reason or call.body.note,
    )
    return _run(kept)


async def _markdown(call: Call) -> web.StreamResponse:
    kept = await call.services.runs.get(call.path("id"))
    return respond(run_markdown(kept.run).encode(), "text/markdown", 200)


def _summary(kept: KeptRun) -> dict[str, Any]:
    return {
        "id": kept.id,
        "distribution": kept.run.checklist.distribution,
        "version": kept.run.checklist.source.version,
        "started_by": kept.run.started_by,
        "created_at": kept.created_at,
        "updated_at": kept.updated_at,
        "revision": kept.revision,
        "progress": asdict(progress(kept.run)),
    }


def _run(kept: KeptRun) -> P2vRun:
    marks = {item: P2vMark.model_validate(asdict(mark)) for item, mark in standings(kept.run).items()}

    def shown(item: Item) -> dict[str, Any]:
        mark = marks.get(item.id)
        return {**asdict(item), "state": mark.state if mark else "open", "mark": mark}

    made = kept.run.checklist
    return P2vRun.model_validate(
        {
            **_summary(kept),
            "source": asdict(made.source),
            "notes": made.notes,
            "phases": [
                {"id": phase.id, "title": phase.title, "items": [shown(item) for item in phase.items]}
                for phase in made.phases
            ],
            "history": [asdict(mark) for mark in kept.run.marks],
        }
    )


def _line(run: P2vRunSummary) -> str:
    now = run.progress
    counts = f"{now.done} done, {now.skipped} skipped, {now.open} open"
    state = "finished" if now.finished else f"next: {now.next}"
    return f"{run.id}  {run.distribution} {run.version}: {counts}; {state}; begun by {run.started_by}\n"


def _text(run: P2vRun) -> str:
    lines = [_line(run)]
    for phase in run.phases:
        lines.append(f"\n{phase.title}\n")
        for item in phase.items:
            deed = f": {item.mark.who}, {item.mark.when} {item.mark.note}".rstrip() if item.mark else ""
            lines.append(f"  {BOXES[item.state]} {item.id}{deed}\n")
    return "".join(lines)


def _texts(found: P2vRuns) -> str:
    return "".join(map(_line, found.runs)) or "No runs yet. POST /p2v/runs begins one.\n"


START = Route(
    method="POST",
    path="/p2v/runs",
    summary="Begin a run of the P2V checklist that a team works through",
    handle=_start,
    answer=P2vRun,
    scope=Scope.OPERATE,
    body=RunRequest,
    status=201,
    text=_text,
    page="p2v_run.html",
)

ROUTES = [
    START,
    Route(
        method="GET",
        path="/p2v/runs",
        summary="Runs of the P2V checklist, newest first",
        handle=_list,
        answer=P2vRuns,
        scope=Scope.READ,
        query=RunsQuery,
        text=_texts,
        page="p2v_runs.html",
    ),
    Route(
        method="GET",
        path="/p2v/runs/{id}",
        summary="One run: every step, what became of it and by whom",
        handle=_get,
        answer=P2vRun,
        scope=Scope.READ,
        text=_text,
        page="p2v_run.html",
        errors=(404,),
    ),
    Route(
        method="GET",
        path="/p2v/runs/{id}/markdown",
        summary="One run as Markdown, to keep or to paste",
        handle=_markdown,
        scope=Scope.READ,
        media="text/markdown",
        errors=(400, 404),
    ),
    Route(
        method="PATCH",
        path="/p2v/runs/{id}/items/{item}",
        summary="Tick a step off, skip it for a reason, or open it again",
        handle=_mark,
        answer=P2vRun,
        scope=Scope.OPERATE,
        body=MarkRequest,
        text=_text,
        page="p2v_run.html",
        errors=(404, 409),
    ),
]
