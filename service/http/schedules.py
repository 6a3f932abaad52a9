"""Schedules: actions that start by the clock."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import Field

from service.actions.fleet import FleetParams, check_params
from service.api.models import Value
from service.api.schedules import Schedule, schedule_line, schedule_words
from service.api.units import when
from service.backups.window import read_window
from service.errors import Ambiguous, Conflict, InvalidParams, NotFound, VmkopsError, VSphereRefused
from service.http._pages import Page, PageQuery, page_of
from service.http._route import Call, Query, Route
from service.http.actions import check_allowed, find_action, read_params
from service.jobs.action import Action, Params
from service.jobs.cron import check_cron, next_times
from service.jobs.schedule_view import TIMES
from service.store.audit import Event
from service.store.tokens import Scope

log = logging.getLogger(__name__)

SAVE_ANYWAY = "To save the schedule all the same, add --allow-missing (programs: allow_missing, true)."
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


class ScheduleRequest(Value):
    """What to do when."""

    action: str = Field(min_length=1, max_length=60, description="The action, such as backup.")
    params: dict[str, Any] = Field(default_factory=dict, description="Its parameters.")
    cron: str = Field(
        min_length=1,
        max_length=120,
        description="Minute, hour, day, month, weekday, such as 30 2 * * *; six fields begin with the second.",
    )
    timezone: str = Field(default="UTC", min_length=1, max_length=60, description="Such as Europe/Berlin.")
    allow_missing: bool = Field(
        default=False,
        description="Accept a VM, backup or other target that does not exist yet, or that a dry run refuses now.",
    )


class SchedulesQuery(PageQuery):
    """Which schedules to list."""

    q: str = Field(default="", max_length=255, description="A part of the name or of a parameter, in any case.")
    action: str = Field(default="", max_length=60, description="Only those that start this action.")


class ScheduleList(Page):
    """Schedules by name."""

    schedules: list[Schedule]


async def _list(call: Call[SchedulesQuery, None]) -> ScheduleList:
    wanted, action = call.query.q.lower(), call.query.action
    found = [
        each
        for each in await call.services.schedules.all()
        if action in ("", each.action) and wanted in "\n".join([each.name, *map(str, each.params.values())]).lower()
    ]
    shown, after = page_of(found, call.query)
    return ScheduleList(schedules=shown, next=after)


async def _get(call: Call[Query, None]) -> Schedule:
    return await call.services.schedules.get(call.path("name"))


async def _put(call: Call[Query, ScheduleRequest]) -> Schedule:
    name, asked = call.path("name"), call.body
    if not NAME.fullmatch(name):
        raise InvalidParams("The name of a schedule has small letters, digits and hyphens, 60 at most: nightly-db01.")
    action = find_action(call.services.actions, asked.action)
    params = await _exact(call, action, read_params(action, asked.params))
    replaced = await call.services.schedules.exists(name)
    made = await call.services.schedules.put(
        name,
        action=action.name,
        params=params.model_dump(mode="json"),
        cron=asked.cron,
        timezone=asked.timezone,
        actor=call.known_actor(),
    )
    return made.model_copy(update={"replaced": replaced})


async def _exact(call: Call[Query, ScheduleRequest], action: Action, given: Params) -> Params:
    """The parameters to store; raises NotFound, Ambiguous or InvalidParams for those that could not work."""
    asked, params = call.body, given
    check_allowed(call, action, params)
    if isinstance(params, FleetParams):
        check_params(params)
        params = params.model_copy(update={"window": _with_zone(params.window, asked.timezone)})
    check_cron(asked.cron, asked.timezone)
    if isinstance(params, FleetParams) and params.window:
        window = read_window(params.window)
        times = next_times(asked.cron, ZoneInfo(asked.timezone), datetime.now(UTC), TIMES)
        if not any(map(window.end, times)):
            raise InvalidParams(
                f"The window {window} is closed at each of the next times, such as {when(times[0])}. "
                "Change the cron expression or the window."
            )
    params = await _pinned(call, action, params)
    context = call.services.context
    try:
        target = await action.target(context, params)
        why = "" if asked.allow_missing else await action.why_refused(context, params, target)
    except (InvalidParams, Ambiguous):
        raise
    except VmkopsError as error:
        if error.retryable or isinstance(error, VSphereRefused):
            log.info("the target of the schedule %s is not checked: %s", call.path("name"), error)
        elif not asked.allow_missing:
            kind = NotFound if isinstance(error, NotFound) else Conflict
            raise kind(f"{error} {SAVE_ANYWAY}", error.suggestions) from None
        return params
    if why:
        raise Conflict(f"{why} {SAVE_ANYWAY}")
    return params


async def _pinned(call: Call[Query, ScheduleRequest], action: Action, params: Params) -> Params:
    """The parameters with the vCenter of each name; as they are for what does not exist yet or cannot be asked now.

    Raises Ambiguous for a name that several have.
    """
    try:
        pinned: Params = await action.pinned(call.services.context, params)
    except Ambiguous:
        raise
    except VmkopsError:
        return params
    return pinned


def _with_zone(window: str, timezone: str) -> str:
    """A window with a time zone: that of the schedule by default."""
    return f"{window} {timezone}" if window and len(window.split()) == 1 else window


async def _delete(call: Call[Query, None]) -> web.StreamResponse:
    await call.services.schedules.delete(call.path("name"))
    return web.Response(status=204)


def _texts(found: ScheduleList) -> str:
    return "".join(map(schedule_line, found.schedules)) or "No schedules.\n"


def about_schedule(made: Schedule) -> dict[str, str]:
    """What the audit keeps of a schedule."""
    return {"action": made.action, "cron": made.cron, "timezone": made.timezone}


ROUTES = (
    Route(
        method="GET",
        path="/schedules",
        summary="Actions that start by the clock",
        handle=_list,
        answer=ScheduleList,
        scope=Scope.READ,
        query=SchedulesQuery,
        text=_texts,
        page="schedules.html",
    ),
    Route(
        method="GET",
        path="/schedules/{name}",
        summary="One schedule, when it fires next, and what came of the last time",
        handle=_get,
        answer=Schedule,
        scope=Scope.READ,
        text=schedule_words,
        errors=(404,),
    ),
    Route(
        method="PUT",
        path="/schedules/{name}",
        summary="Make a schedule, or change the one of this name",
        handle=_put,
        answer=Schedule,
        scope=Scope.OPERATE,
        audit=Event.SCHEDULE_SAVED,
        about=about_schedule,
        body=ScheduleRequest,
        text=schedule_words,
        errors=(404, 409),
    ),
    Route(
        method="DELETE",
        path="/schedules/{name}",
        summary="Take a schedule away; jobs that it has started go on",
        handle=_delete,
        scope=Scope.OPERATE,
        audit=Event.SCHEDULE_DELETED,
        status=204,
        media="text/plain",
        errors=(400, 404),
    ),
)
