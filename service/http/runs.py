"""Procedures that a team works through together: started, ticked off by name, exported to the incident as Markdown."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from aiohttp import web
from pydantic import ConfigDict, Field, field_validator

from knowledge.p2v.run import progress as checklist_progress
from knowledge.runs.items import Item
from knowledge.runs.markdown import in_words, run_markdown, run_text
from knowledge.runs.marks import LONGEST_NOTE, LONGEST_WHO, State, notes, standings
from knowledge.runs.procedure_run import LONGEST_INCIDENT, LONGEST_TARGET, progress
from service.api.models import Value
from service.api.runs import ProcedureRunDetails, ProcedureRunItem, ProcedureRuns, ProcedureRunSummary
from service.errors import Ambiguous, InvalidParams, VmkopsError
from service.http._render import respond
from service.http._route import Call, Query, Route
from service.http.procedures import find_page
from service.store.checklist_runs import KeptRun
from service.store.procedure_runs import KeptProcedureRun
from service.store.run_table import RUN_ID, Place
from service.store.tokens import Scope
from service.vsphere.datastores import DATASTORES
from service.vsphere.hosts import HOSTS
from service.vsphere.inventory import VMS
from service.vsphere.live import Kind
from service.vsphere.vcenters import LOOK_SECONDS

CHECKLIST = "linux-p2v"
"""The page that the P2V checklist comes from."""


TARGETS: Mapping[str, Kind[Any]] = {"vm": VMS, "host": HOSTS, "datastore": DATASTORES}


class ProcedureRunRequest(Value):
    """What the run is about; an unknown name is refused."""

    model_config = ConfigDict(extra="forbid")

    vm: str = Field(default="", max_length=LONGEST_TARGET, description="The VM; it need not exist.")
    host: str = Field(default="", max_length=LONGEST_TARGET, description="The host.")
    datastore: str = Field(default="", max_length=LONGEST_TARGET, description="The datastore.")
    incident: str = Field(default="", max_length=LONGEST_INCIDENT, description="The incident's number or address.")
    by: str = Field(
        default="",
        max_length=LONGEST_WHO,
        description="The name of the person, kept beside the token and shown as `NAME (token T)`. It is not checked.",
    )


class ProcedureMark(Value):
    """The new state of a step, or a note on it, or both; a step that is skipped needs a reason."""

    model_config = ConfigDict(extra="forbid")

    state: State | None = Field(default=None, description="Left out: the step keeps its state.")
    note: str = Field(default="", max_length=LONGEST_NOTE)
    reason: str = Field(default="", max_length=LONGEST_NOTE, description="The same as `note`, for a skipped step.")
    by: str = Field(
        default="",
        max_length=LONGEST_WHO,
        description="The name of the person, kept beside the token and shown as `NAME (token T)`. It is not checked.",
    )


class RunsQuery(Query):
    """Which runs to list."""

    procedure: str = Field(default="", max_length=100, description="Only runs of the page with this slug.")
    incident: str = Field(default="", max_length=LONGEST_INCIDENT, description="Only runs for this incident.")
    limit: int = Field(default=50, ge=1, le=200, description="How many, newest first.")
    cursor: str = Field(
        default="", max_length=200, description="`next` of the answer before, for the runs after those."
    )

    @field_validator("procedure", "incident")
    @classmethod
    def _printable(cls, value: str) -> str:
        if not value.isprintable():  # PostgreSQL has no NUL in a text
            raise ValueError("give printable characters only")
        return value


async def _start(call: Call[Query, ProcedureRunRequest]) -> ProcedureRunDetails:
    page = await find_page(call.services, call.path("slug"))
    targets = call.body.model_dump(exclude={"incident", "by"})
    targets = {name: await _known_target(call, name, given) for name, given in targets.items()}
    runs = call.services.procedure_runs
    return _details(await runs.start(page, targets, call.body.incident, call.known_actor(), call.body.by))


async def _known_target(call: Call[Query, ProcedureRunRequest], what: str, given: str) -> str:
    """A target that exists, with the name of its vCenter: `prod/web-01`; another one stays as it was given.

    Raises Ambiguous for a name that several have.
    """
    vcenters, kind = call.services.context.vcenters, TARGETS[what]
    if not given or not vcenters.names():
        return given
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            found = await vcenters.find(kind, given, what)
    except Ambiguous:
        raise
    except (TimeoutError, VmkopsError):
        return given
    return vcenters.pinned(given, found.vcenter)


async def _list(call: Call[RunsQuery, None]) -> ProcedureRuns:
    asked = call.query
    procedure, incident = asked.procedure.strip(), " ".join(asked.incident.split())
    after = _place(asked.cursor) if asked.cursor else None
    most = asked.limit + 1
    kept = await call.services.procedure_runs.recent(most, procedure=procedure, incident=incident, after=after)
    found = [_summary(each) for each in kept]
    if procedure in ("", CHECKLIST) and not incident:
        found += [_checklist_summary(each) for each in await call.services.checklist_runs.recent(most, after)]
        found.sort(key=lambda run: run.id)
        found.sort(key=lambda run: run.created_at, reverse=True)
    runs = tuple(found[: asked.limit])
    return ProcedureRuns(runs=runs, next=_cursor(runs[-1]) if len(found) > len(runs) else None)


def _cursor(run: ProcedureRunSummary) -> str:
    return urlsafe_b64encode(f"{run.created_at} {run.id}".encode()).decode().rstrip("=")


def _place(cursor: str) -> Place:
    """The place that a cursor stands for; raises InvalidParams for what is no cursor."""
    try:
        created_at, run_id = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").split(" ")
        datetime.fromisoformat(created_at)
    except ValueError:
        raise InvalidParams("cursor: give what `next` of the answer before has, unchanged.") from None
    if not RUN_ID.fullmatch(run_id):
        raise InvalidParams("cursor: give what `next` of the answer before has, unchanged.")
    return Place(created_at, run_id)


async def _get(call: Call[Query, None]) -> ProcedureRunDetails:
    return _details(await call.services.procedure_runs.get(call.path("id")))


async def _mark(call: Call[Query, ProcedureMark]) -> ProcedureRunDetails:
    note = call.body.reason or call.body.note
    if call.body.state is None and not note.strip():
        raise InvalidParams("Give a state (done, skipped or open), a note, or both.")
    actor, by = call.known_actor(), call.body.by
    runs = call.services.procedure_runs
    changed = await runs.mark(call.path("id"), call.path("item"), call.body.state, actor=actor, note=note, by=by)
    return _details(changed)


async def _markdown(call: Call[Query, None]) -> web.StreamResponse:
    kept = await call.services.procedure_runs.get(call.path("id"))
    return respond(run_markdown(kept.run).encode(), "text/markdown", 200)


def _summary(kept: KeptProcedureRun) -> ProcedureRunSummary:
    return ProcedureRunSummary(
        id=kept.id,
        procedure=kept.run.procedure,
        title=kept.run.title,
        targets=kept.run.targets,
        incident=kept.run.incident,
        started_by=kept.run.started_by,
        by=kept.run.by,
        started_token=kept.run.started_token,
        created_at=kept.created_at,
        updated_at=kept.updated_at,
        revision=kept.revision,
        progress=progress(kept.run),
        path=f"/runs/{kept.id}",
    )


def _checklist_summary(kept: KeptRun) -> ProcedureRunSummary:
    """A run of the P2V checklist in the list of all runs."""
    source = kept.run.checklist
    return ProcedureRunSummary(
        id=kept.id,
        procedure=CHECKLIST,
        title=f"Linux P2V: {source.distribution} {source.source.version}".rstrip(),
        targets={},
        incident="",
        started_by=kept.run.started_by,
        created_at=kept.created_at,
        updated_at=kept.updated_at,
        revision=kept.revision,
        progress=checklist_progress(kept.run),
        path=f"/p2v/runs/{kept.id}",
    )


def _details(kept: KeptProcedureRun) -> ProcedureRunDetails:
    marks, more = standings(kept.run.marks), notes(kept.run.marks)

    def shown(item: Item) -> ProcedureRunItem:
        mark = marks.get(item.id)
        values = {field.name: getattr(item, field.name) for field in fields(item)}
        state = mark.state if mark else State.OPEN
        return ProcedureRunItem(**values, state=state, mark=mark, notes=more.get(item.id, ()))

    details = ProcedureRunDetails(
        **dict(_summary(kept)),
        before=kept.run.before,
        items=tuple(map(shown, kept.run.items)),
        history=kept.run.marks,
    )
    details._text = run_text(kept.run, kept.id)
    return details


def _line(run: ProcedureRunSummary) -> str:
    about = [*run.targets.values(), *([run.incident] if run.incident else [])]
    where = "" if run.path == f"/runs/{run.id}" else " (a P2V checklist)"
    return f"{run.id}  {run.procedure}{''.join(f' {each}' for each in about)}: {in_words(run.progress)}{where}\n"


def _texts(found: ProcedureRuns) -> str:
    more = f"There are more: add the cursor {found.next}.\n" if found.next else ""
    return "".join(map(_line, found.runs)) + more or "No runs. To start one: vmkops runs start NAME\n"


ROUTES = (
    Route(
        method="POST",
        path="/procedures/{slug}/runs",
        summary="Start a run of a procedure that a team works through",
        handle=_start,
        answer=ProcedureRunDetails,
        scope=Scope.OPERATE,
        body=ProcedureRunRequest,
        status=201,
        location=lambda run: f"/runs/{run.id}",
        text=lambda run: run._text,
        page="run.html",
        errors=(404, 409),
    ),
    Route(
        method="GET",
        path="/runs",
        summary="Runs of procedures and of the P2V checklist, newest first",
        handle=_list,
        answer=ProcedureRuns,
        scope=Scope.READ,
        query=RunsQuery,
        text=_texts,
        page="runs.html",
    ),
    Route(
        method="GET",
        path="/runs/{id}",
        summary="One run of a procedure with its steps, and who did what",
        handle=_get,
        answer=ProcedureRunDetails,
        scope=Scope.READ,
        text=lambda run: run._text,
        page="run.html",
        errors=(404,),
    ),
    Route(
        method="PATCH",
        path="/runs/{id}/items/{item}",
        summary="Mark a step as done, skipped or open again, or add a note to it",
        handle=_mark,
        answer=ProcedureRunDetails,
        scope=Scope.OPERATE,
        body=ProcedureMark,
        text=lambda run: run._text,
        page="run.html",
        errors=(404, 409),
    ),
    Route(
        method="GET",
        path="/runs/{id}/markdown",
        summary="A run of a procedure as Markdown, to paste into the incident",
        handle=_markdown,
        scope=Scope.READ,
        media="text/markdown",
        errors=(404,),
    ),
)
