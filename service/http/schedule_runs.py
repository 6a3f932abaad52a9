"""What a schedule will do, a run of it now, and its pause."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pydantic import Field

from service.actions._fleet_preview import selection_checks
from service.actions.fleet import FleetParams
from service.api.models import Check, Job, Value
from service.api.schedules import Schedule, schedule_words, what_words
from service.api.units import when
from service.errors import Conflict, NotFound, VmkopsError
from service.http._route import AnyCall, Call, Query, Route
from service.http.actions import check_allowed, read_params
from service.http.jobs import about_job
from service.http.schedules import about_schedule
from service.jobs.action import Action, Params
from service.jobs.cron import next_times
from service.store.audit import Event
from service.store.tokens import Scope
from service.vsphere.selecting import select

NEXT = 5
"""How many of the next times a preview shows."""


class RunQuery(Query):
    """How to run it now."""

    any_time: bool = Field(default=False, description="Run it also outside of its window, and to the end.")


class SchedulePreview(Value):
    """The next times of a schedule, in its time zone, and what it would do now."""

    name: str
    action: str
    timezone: str
    next: list[datetime]
    vms: list[str] = Field(default_factory=list)
    """The names of the VMs that its selection includes now, such as `web-01`, or `prod/web-01` when there are several
    vCenters; empty for an action on one target."""
    what: str
    """What it does with which target, such as `backup of tag:gold`."""
    checks: list[Check]


async def _preview(call: Call[Query, None]) -> SchedulePreview:
    schedule = await call.services.schedules.get(call.path("name"))
    action, params = await _given(call)
    zone = ZoneInfo(schedule.timezone)
    times = next_times(schedule.cron, zone, datetime.now(UTC), NEXT)
    vms: list[str] = []
    what, checks = what_words(schedule.action, schedule.params), []
    context = call.services.context
    try:
        if isinstance(params, FleetParams):
            selected = await select(context.vcenters, params.vms)
            vms = [context.vcenters.shown(vm.vcenter, vm.name) for vm in selected.vms]
            checks = list(selection_checks(selected, context.vcenters))
            checks += await action.more_checks(context, params, await action.target(context, params))
        else:
            found = await action.target(context, params)
            what, checks = f"{action.name} of {found.name}", list(found.checks)
    except VmkopsError as error:
        checks = [Check(rule="target", severity="refuse", message=str(error))]
    return SchedulePreview(
        name=schedule.name,
        action=action.name,
        timezone=schedule.timezone,
        next=[at.astimezone(zone) for at in times],
        vms=vms,
        what=what,
        checks=checks,
    )


async def _run(call: Call[RunQuery, None]) -> Job:
    actor = call.known_actor()
    action, params = await _given(call)
    if call.query.any_time and isinstance(params, FleetParams):
        params = params.model_copy(update={"window": "", "until": ""})
    check_allowed(call, action, params)
    target = await action.target(call.services.context, params)
    if refused := [check.message for check in target.checks if check.severity == "refuse"]:
        raise Conflict(" ".join(refused))
    return await call.services.jobs.submit(action, target, requested_by=actor.name, token=actor.token)


async def _pause(call: Call[Query, None]) -> Schedule:
    return await call.services.schedules.pause(call.path("name"), call.known_actor())


async def _resume(call: Call[Query, None]) -> Schedule:
    return await call.services.schedules.resume(call.path("name"))


async def _given(call: AnyCall) -> tuple[Action, Params]:
    name, given = await call.services.schedules.given(call.path("name"))
    action = call.services.actions.get(name)
    if action is None:
        raise NotFound(f"There is no longer an action {name[:60]!r}. Save the schedule with another one.")
    return action, read_params(action, given)


def _text(preview: SchedulePreview) -> str:
    lines = [f"{preview.name}: {preview.what}"]
    lines += [f"  {at:%a} {when(at, ZoneInfo(preview.timezone))}" for at in preview.next]
    lines += [f"{check.severity}: {check.message}" for check in preview.checks]
    lines += [f"  {name}" for name in preview.vms]
    return "\n".join(lines) + "\n"


ROUTES = (
    Route(
        method="GET",
        path="/schedules/{name}/preview",
        summary="The next times of a schedule, and what it would do now",
        handle=_preview,
        answer=SchedulePreview,
        scope=Scope.READ,
        text=_text,
        errors=(404,),
    ),
    Route(
        method="POST",
        path="/schedules/{name}/run",
        summary="Start what a schedule does now, as a job of the caller",
        handle=_run,
        answer=Job,
        scope=Scope.OPERATE,
        query=RunQuery,
        status=202,
        location=lambda job: f"/jobs/{job.id}",
        audit=Event.ACTION_STARTED,
        about=about_job,
        page="job.html",
        errors=(400, 404, 409, 502, 503),
    ),
    Route(
        method="POST",
        path="/schedules/{name}/pause",
        summary="Let a schedule fire no more until it is resumed",
        handle=_pause,
        answer=Schedule,
        scope=Scope.OPERATE,
        audit=Event.SCHEDULE_PAUSED,
        about=lambda made: {**about_schedule(made), "reason": made.paused},
        text=schedule_words,
        errors=(404,),
    ),
    Route(
        method="POST",
        path="/schedules/{name}/resume",
        summary="Let a paused schedule fire again, from its next time on",
        handle=_resume,
        answer=Schedule,
        scope=Scope.OPERATE,
        audit=Event.SCHEDULE_SAVED,
        about=about_schedule,
        text=schedule_words,
        errors=(404,),
    ),
)
