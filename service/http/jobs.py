"""Jobs: what is under way and what came of it, live, and cancelling."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web
from pydantic import Field

from service.api.log import current_request
from service.api.models import Job, Value
from service.http._browsers import BROWSERS
from service.http._route import Call, Query, Route
from service.store.audit import Event
from service.store.tokens import Scope

BEAT_SECONDS = 15


class JobsQuery(Query):
    """Which jobs to list."""

    limit: int = Field(default=50, ge=1, le=500, description="How many, newest first.")
    live: bool | None = Field(default=None, description="true: only those under way; false: only those ended.")
    parent: str = Field(
        default="",
        pattern="^[0-9A-Za-z-]{0,64}$",
        description="Only those that the job with this id has started, such as those of the VMs of a fleet.",
    )


class JobList(Value):
    """Jobs, newest first."""

    jobs: list[Job]


async def _list(call: Call[JobsQuery, None]) -> JobList:
    asked = call.query
    return JobList(jobs=await call.services.jobs.recent(limit=asked.limit, live=asked.live, parent=asked.parent))


async def _get(call: Call[Query, None]) -> Job:
    return await call.services.jobs.get(call.path("id"))


async def _cancel(call: Call[Query, None]) -> Job:
    return await call.services.jobs.cancel(call.path("id"), call.known_actor().label)


async def _events(call: Call[Query, None]) -> web.StreamResponse:
    """Server-sent events: `event: job` with the job as JSON at each change; the stream ends with the job."""
    await call.services.jobs.get(call.path("id"))
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-cache",
            "X-Request-Id": current_request(),
            **call.request.app[BROWSERS].headers,
        }
    )
    await response.prepare(call.request)
    changes = aiter(call.services.jobs.changes(call.path("id")))
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


def _text(job: Job) -> str:
    lines = [f"{job.action} of {job.target}: {job.state} (job {job.id}, requested by {job.requester})"]
    lines += [f"  {step.state:<10} {step.name}" + (f": {step.detail}" if step.detail else "") for step in job.steps]
    if job.parent:
        lines.append(f"Started by job {job.parent}")
    if job.error:
        lines.append(job.error.detail)
    lines += [f"Later: {note}" for note in job.notes]
    return "\n".join(lines) + "\n"


def _texts(jobs: JobList) -> str:
    return "".join(f"{job.id}  {job.state:<10} {job.action} {job.target}\n" for job in jobs.jobs) or "No jobs.\n"


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
        text=_text,
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
        text=_text,
        page="job.html",
        errors=(404, 409),
    ),
)
