"""Jobs: what is under way and what came of it, live, and cancelling."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Annotated, Any

from aiohttp import web
from pydantic import BeforeValidator, Field

from knowledge.spelling import nearest_name
from service.api.job_words import job_words, state_words
from service.api.log import current_request
from service.api.models import Job, JobState, Value
from service.api.units import when
from service.api.vcenter import DEFAULT
from service.http._browsers import BROWSERS
from service.http._pages import Moment
from service.http._route import Call, Query, Route
from service.store.audit import Event
from service.store.tokens import Scope

BEAT_SECONDS = 15
LARGEST_CURSOR = 2**31 - 1
EXACT = re.compile(r"(?:([^/]+)/)?moref:[^/]+")
"""An exact selector, as jobs have them."""


def _state(value: Any) -> Any:
    """Refuse what is no state of a job; raises ValueError that names those that a job can have."""
    if value in list(JobState):
        return value
    states = [each.value for each in JobState if each is not JobState.AWAITING_APPROVAL]  # no job has that one yet
    near = nearest_name(str(value), states)
    hint = f". Did you mean {near}?" if near else ""
    raise ValueError(f"must be {', '.join(states[:-1])} or {states[-1]}{hint}")


AskedState = Annotated[JobState, BeforeValidator(_state)]
"""A state of a job, by which a list is filtered."""


class JobsQuery(Query):
    """Which jobs to list."""

    limit: int = Field(default=50, ge=1, le=500, description="How many, newest first.")
    live: bool | None = Field(default=None, description="true: only those under way; false: only those ended.")
    parent: str = Field(
        default="",
        pattern="^[0-9A-Za-z-]{0,64}$",
        description="Only those that the job with this id has started, such as those of the VMs of a fleet.",
    )
    state: list[AskedState] = Field(default_factory=list, description="Only those in this state; may be repeated.")
    action: str = Field(default="", max_length=60, description="Only those of this action, such as `backup`.")
    q: str = Field(default="", max_length=255, description="A part of the name of the target, in any case.")
    vcenter: str = Field(default="", max_length=63, description="Only those on the vCenter with this name.")
    since: Moment | None = Field(default=None, description="Only those asked for since then, with its zone.")
    cursor: int = Field(default=0, ge=0, le=LARGEST_CURSOR, description="`next` of the answer before.")


class JobList(Value):
    """Jobs, newest first."""

    jobs: list[Job]
    next: int | None = None
    """The cursor for the jobs after these; null when there are none."""


async def _list(call: Call[JobsQuery, None]) -> JobList:
    query = call.query

    def fits(job: Mapping[str, Any]) -> bool:
        return (
            query.action in ("", job.get("action"))
            and query.q.lower() in str(job.get("target", "")).lower()
            and query.vcenter in ("", _vcenter_of(job.get("params") or {}))
        )

    found, after = await call.services.jobs.recent(
        limit=query.limit,
        live=query.live,
        since=query.since,
        cursor=query.cursor,
        fits=fits,
        states=query.state,
        parent=query.parent,
    )
    return JobList(jobs=found, next=after)


def _vcenter_of(params: Mapping[str, Any]) -> str:
    """The name of the vCenter on which a job with these parameters works; empty for a job on none."""
    if named := params.get("vcenter"):
        return str(named)
    exact = (EXACT.fullmatch(value) for value in params.values() if isinstance(value, str))
    found = next(filter(None, exact), None)
    return (found[1] or DEFAULT) if found else ""


async def _get(call: Call[Query, None]) -> Job:
    return await call.services.jobs.get(call.path("id"))


async def _cancel(call: Call[Query, None]) -> Job:
    return await call.services.jobs.cancel(call.path("id"), call.known_actor().label)


async def _events(call: Call[Query, None]) -> web.StreamResponse:
    """Server-sent events: `event: job` with the job as JSON at each change; the stream ends with the job."""
    job_id = (await call.services.jobs.get(call.path("id"))).id
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-cache",
            "X-Request-Id": current_request(),
            **call.request.app[BROWSERS].headers,
        }
    )
    await response.prepare(call.request)
    changes = aiter(call.services.jobs.changes(job_id))
    waiting: asyncio.Task[Job] | None = None
    checked_at = time.monotonic()
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(changes))
            done, _ = await asyncio.wait({waiting}, timeout=BEAT_SECONDS)
            if time.monotonic() - checked_at >= BEAT_SECONDS:
                checked_at = time.monotonic()
                if await asyncio.to_thread(call.services.tokens.refusal, call.known_actor().token):
                    return response  # revoked or expired meanwhile: the next call is told why
            if not done:
                await response.write(b": still here\n\n")
                continue
            try:
                job = waiting.result()
            except StopAsyncIteration:
                return response
            waiting = None
            await response.write(b"event: job\ndata: " + job.model_dump_json().encode() + b"\n\n")
    except ConnectionResetError:
        return response
    finally:
        if waiting is not None:
            waiting.cancel()


def about_job(job: Job) -> dict[str, str]:
    """What the audit keeps of a job."""
    return {"job": job.id, "action": job.action, "target": job.target}


def _texts(found: JobList) -> str:
    lines = [
        f"{job.id}  {state_words(job):<10} {when(job.created_at)}  {job.action} of {job.target}\n" for job in found.jobs
    ]
    more = f"More: add cursor={found.next}.\n" if found.next is not None else ""
    return "".join(lines) + more or "No jobs.\n"


ROUTES = (
    Route(
        method="GET",
        path="/jobs",
        summary="Jobs, newest first",
        handle=_list,
        answer=JobList,
        scope=Scope.READ,
        query=JobsQuery,
        text=_texts,
        page="jobs.html",
        errors=(400,),
    ),
    Route(
        method="GET",
        path="/jobs/{id}",
        summary="One job: its state, steps and progress",
        handle=_get,
        answer=Job,
        scope=Scope.READ,
        text=job_words,
        page="job.html",
        errors=(404,),
    ),
    Route(
        method="GET",
        path="/jobs/{id}/events",
        summary="The job at each change, as server-sent events, until it has ended",
        handle=_events,
        scope=Scope.READ,
        media="text/event-stream",
        errors=(404,),
    ),
    Route(
        method="POST",
        path="/jobs/{id}/cancel",
        summary="Ask a job to stop; it cleans up after itself",
        handle=_cancel,
        answer=Job,
        scope=Scope.OPERATE,
        audit=Event.JOB_CANCELLED,
        about=about_job,
        text=job_words,
        page="job.html",
        errors=(404, 409),
    ),
)
