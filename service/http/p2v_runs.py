"""P2V checklists that a team works through together: started, ticked off by name, exported as Markdown."""

from __future__ import annotations

from dataclasses import fields

from aiohttp import web
from pydantic import AliasChoices, ConfigDict, Field

from knowledge.p2v.markdown import run_markdown
from knowledge.p2v.run import LONGEST_NOTE, State, progress, standings
from knowledge.runs.markdown import BOXES
from knowledge.runs.marks import attributed
from service.api.models import Value
from service.api.p2v import P2vItem, P2vRun, P2vRunItem, P2vRunPhase, P2vRuns, P2vRunSummary
from service.http._render import respond
from service.http._route import Call, Query, Route
from service.http.p2v import Disks, MountPoints, SourceQuery
from service.store.checklist_runs import KeptRun
from service.store.tokens import Scope


class RunRequest(SourceQuery):
    """The system to be converted, by the same names as in the checklist's query; an unknown name is refused."""

    model_config = ConfigDict(extra="forbid")

    disk: Disks = Field(default=["sda"], validation_alias=AliasChoices("disk", "disks"))
    filesystem: MountPoints = Field(default=["/usr"], validation_alias=AliasChoices("filesystem", "filesystems"))


class MarkRequest(Value):
    """The new state of a step; a step that is skipped needs a reason."""

    state: State
    note: str = Field(default="", max_length=LONGEST_NOTE)
    reason: str = Field(default="", max_length=LONGEST_NOTE, description="The same as `note`, for a skipped step.")


class RunsQuery(Query):
    """Which runs to list."""

    limit: int = Field(default=50, ge=1, le=200, description="How many, newest first.")


async def _start(call: Call[Query, RunRequest]) -> P2vRun:
    return _run(await call.services.checklist_runs.start(call.body.source(), call.known_actor()))


async def _list(call: Call[RunsQuery, None]) -> P2vRuns:
    kept = await call.services.checklist_runs.recent(call.query.limit)
    return P2vRuns(runs=tuple(map(_summary, kept)))


async def _get(call: Call[Query, None]) -> P2vRun:
    return _run(await call.services.checklist_runs.get(call.path("id")))


async def _mark(call: Call[Query, MarkRequest]) -> P2vRun:
    kept = await call.services.checklist_runs.mark(
        call.path("id"),
        call.path("item"),
        call.body.state,
        actor=call.known_actor(),
        note=call.body.reason or call.body.note,
    )
    return _run(kept)


async def _markdown(call: Call[Query, None]) -> web.StreamResponse:
    kept = await call.services.checklist_runs.get(call.path("id"))
    return respond(run_markdown(kept.run).encode(), "text/markdown", 200)


def _summary(kept: KeptRun) -> P2vRunSummary:
    return P2vRunSummary(
        id=kept.id,
        distribution=kept.run.checklist.distribution,
        version=kept.run.checklist.source.version,
        started_by=kept.run.started_by,
        started_token=kept.run.started_token,
        created_at=kept.created_at,
        updated_at=kept.updated_at,
        revision=kept.revision,
        progress=progress(kept.run),
    )


def _run(kept: KeptRun) -> P2vRun:
    marks, made = standings(kept.run), kept.run.checklist

    def shown(item: P2vItem) -> P2vRunItem:
        mark = marks.get(item.id)
        values = {field.name: getattr(item, field.name) for field in fields(item)}
        return P2vRunItem(**values, state=mark.state if mark else State.OPEN, mark=mark)

    return P2vRun(
        **dict(_summary(kept)),
        source=made.source,
        notes=made.notes,
        phases=tuple(
            P2vRunPhase(id=phase.id, title=phase.title, items=tuple(map(shown, phase.items))) for phase in made.phases
        ),
        history=kept.run.marks,
    )


def _line(run: P2vRunSummary) -> str:
    now = run.progress
    started_by = attributed(run.started_by, run.started_token)
    counts = f"{now.done} done, {now.skipped} skipped, {now.open} open"
    state = "finished" if now.finished else f"next: {now.next}"
    return f"{run.id}  {run.distribution} {run.version}: {counts}; {state}; started by {started_by}\n"


def _text(run: P2vRun) -> str:
    lines = [_line(run)]
    for phase in run.phases:
        lines.append(f"\n{phase.title}\n")
        for item in phase.items:
            change = f": {item.mark.name}, {item.mark.when} {item.mark.note}".rstrip() if item.mark else ""
            lines.append(f"  {BOXES[item.state]} {item.id}{change}\n")
    return "".join(lines)


def _texts(found: P2vRuns) -> str:
    return "".join(map(_line, found.runs)) or "No runs yet. Start one from a checklist.\n"


ROUTES = (
    Route(
        method="POST",
        path="/p2v/runs",
        summary="Start a run of the P2V checklist that a team works through",
        handle=_start,
        answer=P2vRun,
        scope=Scope.OPERATE,
        body=RunRequest,
        status=201,
        location=lambda run: f"/p2v/runs/{run.id}",
        text=_text,
        page="p2v_run.html",
    ),
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
        summary="One run: every step, its state, and who changed it",
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
        summary="Mark a step as done, skip it for a reason, or open it again",
        handle=_mark,
        answer=P2vRun,
        scope=Scope.OPERATE,
        body=MarkRequest,
        text=_text,
        page="p2v_run.html",
        errors=(404, 409),
    ),
)
