"""Schedules: actions that start by the clock. Each firing is a durable workflow that queues one job, once."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter
from dbos import DBOS
from pydantic import ValidationError

from service.api.models import Problem
from service.api.redaction import redact_params
from service.errors import Conflict, InvalidParams, NotAllowed, NotFound, RecordUnreadable, VmkopsError
from service.jobs.action import Action, Context, Target
from service.jobs.engine import Jobs
from service.jobs.keys import former_job_id
from service.jobs.view import outcome_of, problem_of
from service.retry import attempts
from service.store.audit import Audit, Event
from service.store.tokens import Actor, Tokens

log = logging.getLogger(__name__)

WORKFLOW = "vmkops.schedule"
MOST_TIMES = 1000
"""How many times of a cron expression are looked at; a day has 288 times that are five minutes apart."""
YEAR = timedelta(days=367)
RETRY_SECONDS = (60, 300, 900)
"""Pauses between the attempts of a firing while vCenter does not answer."""
FIELDS = "minute hour day month weekday"
UNREADABLE = "vmkops cannot read what this schedule starts, so it does not fire. Save the schedule again."
RANDOM = re.compile(r"(^|[\s,/])[rh]([\s,/(]|$)", re.IGNORECASE)
"""Fields that croniter fills in at random, differently in each process."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """An action that starts by the clock; times are in UTC, and `last_*` describe the newest firing.

    `params` are as they are shown, without the secret parts of URLs.
    """

    name: str
    action: str
    params: dict[str, Any]
    cron: str
    timezone: str
    created_by: str
    token: str
    """The name of the token that made or last changed it; empty for one of version 0.1.0 that a person made."""
    paused: str
    """Why it does not fire now; empty when it does."""
    next_at: datetime
    last_at: datetime | None = None
    last_job: str | None = None
    last_problem: Problem | None = None


class Schedules:
    """The schedules of all processes. The engine stores them, so that each fires once, in one process."""

    def __init__(
        self, jobs: Jobs, actions: Mapping[str, Action], context: Context, tokens: Tokens, audit: Audit
    ) -> None:
        self._tokens = tokens
        self._audit = audit
        self._jobs = jobs
        self._actions = actions
        self._context = context
        self._workflow: Any = None

    def register(self) -> None:
        """Register the workflow of a firing. Do so before the engine's launch, so that interrupted firings continue."""

        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=1000)
        async def fire(scheduled_at: datetime, schedule: dict[str, Any]) -> dict[str, Any]:
            return await self._fire(scheduled_at, schedule)

        self._workflow = fire

    async def start(self) -> None:
        """Catch up: a schedule whose time came while no process ran fires once now, however often it was due."""
        now = datetime.now(UTC)
        for row in await DBOS.list_schedules_async():
            if not isinstance(row["context"], dict):
                log.error("schedule %s cannot be read and does not fire; save it again", row["schedule_name"])
                continue
            if due := missed(row, now):
                name = row["schedule_name"]
                log.info("schedule %s missed its time %s and fires now", name, due.isoformat())
                await asyncio.to_thread(DBOS.backfill_schedule, name, due - timedelta(seconds=1), now)

    async def all(self) -> list[Schedule]:
        """Every schedule by name."""
        rows = await DBOS.list_schedules_async()
        return [await self._view(row) for row in sorted(rows, key=lambda row: str(row["schedule_name"]))]

    async def get(self, name: str) -> Schedule:
        """One schedule; raises NotFound."""
        row = await DBOS.get_schedule_async(name)
        if row is None:
            raise NotFound(f"There is no schedule {name[:60]!r}. The list of schedules has their names.")
        return await self._view(row)

    async def put(
        self, name: str, *, action: str, params: dict[str, Any], cron: str, timezone: str, actor: Actor
    ) -> Schedule:
        """Create the schedule with this name, or replace it.

        It fires for as long as the token of `actor` is valid. Raises InvalidParams for a bad `cron` or `timezone`, and
        for a schedule that would fire more often than VMKOPS_SCHEDULE_SECONDS allows.
        """
        check_cron(cron, timezone)
        await asyncio.to_thread(check_interval, cron, self._context.settings.schedule_seconds)
        context = {
            "name": name,
            "action": action,
            "params": params,
            "created_by": actor.name,
            "token": actor.token,
            "changed_at": datetime.now(UTC).isoformat(),
        }
        await DBOS.apply_schedules_async(
            [
                {
                    "schedule_name": name,
                    "workflow_fn": self._workflow,
                    "schedule": cron,
                    "context": context,
                    "cron_timezone": timezone,
                }
            ]
        )
        return await self.get(name)

    async def delete(self, name: str) -> None:
        """Delete a schedule; jobs that it has started continue. Raises NotFound."""
        await self.get(name)
        await DBOS.delete_schedule_async(name)

    async def _fire(self, scheduled_at: datetime, schedule: dict[str, Any]) -> dict[str, Any]:
        numbers = itertools.count()

        async def look() -> dict[str, Any]:
            return await DBOS.run_step_async({"name": f"pre-flight {next(numbers)}"}, self._look, schedule)

        # The engine's sleep outlives the process, so a firing waits on after a restart.
        looked = await attempts(
            look,
            times=len(RETRY_SECONDS) + 1,
            until=lambda found: not found.get("retryable"),
            pauses=RETRY_SECONDS,
            sleep=DBOS.sleep_async,
        )
        if "problem" in looked:
            log.warning("schedule %s started no job: %s", schedule["name"], looked["problem"]["detail"])
            return looked
        maker = f"schedule:{schedule['name']}"
        try:
            job = await self._jobs.submit(
                self._actions[schedule["action"]],
                Target(
                    key=looked["key"],
                    name=looked["name"],
                    params=looked["params"],
                    vcenter=looked.get("vcenter", ""),  # absent in a firing that an earlier version began
                    also=tuple(looked["also"]),
                ),
                requested_by=maker,
                job_id=former_job_id(maker, f"{schedule['name']} {scheduled_at.isoformat()}"),
            )
        except VmkopsError as error:
            log.warning("schedule %s started no job: %s", schedule["name"], error)
            return {"problem": error.problem().model_dump()}
        return {"job": job.id}

    async def _look(self, schedule: dict[str, Any]) -> dict[str, Any]:
        if paused := await self._paused(schedule):
            if not await self._was_paused(schedule["name"]):
                await self._audit.write(
                    Event.SCHEDULE_PAUSED, token=_token_of(schedule), name=schedule["name"], reason=paused
                )
            return {"problem": NotAllowed(paused).problem().model_dump(), "paused": True}
        try:
            action = self._actions.get(schedule["action"])
            if action is None:
                raise NotFound(f"There is no longer an action {schedule['action']!r}.")
            target = await action.target(self._context, action.params.model_validate(schedule["params"]))
            if refused := [check.message for check in target.checks if check.severity == "refuse"]:
                raise Conflict(" ".join(refused))
        except ValidationError as error:
            message = (
                f"The parameters of this schedule are no longer valid for {schedule['action']} "
                f"(errors: {error.error_count()}). Save the schedule again with valid parameters."
            )
            return {"problem": InvalidParams(message).problem().model_dump()}
        except VmkopsError as error:
            return {"problem": error.problem().model_dump(), "retryable": error.retryable}
        return {
            "key": target.key,
            "name": target.name,
            "params": target.params,
            "vcenter": target.vcenter,
            "also": list(target.also),
        }

    async def _paused(self, schedule: Mapping[str, Any]) -> str:
        """Why the schedule may not fire, as sentences; empty when it may.

        A token that is not stored belongs to the bot in the process of the service, or to version 0.1.0.
        """
        refusal = await asyncio.to_thread(self._tokens.refusal, _token_of(schedule))
        return f"{refusal} The schedule is paused. Save it again with a valid token." if refusal else ""

    async def _was_paused(self, name: str) -> bool:
        """Whether the firing before this one was paused too."""
        fired = await DBOS.list_workflows_async(
            name=WORKFLOW, schedule_name=name, limit=2, sort_desc=True, load_input=False
        )
        return len(fired) > 1 and bool(outcome_of(fired[1]).get("paused"))

    async def _view(self, row: Mapping[str, Any]) -> Schedule:
        # The engine answers with the text of a context, not with its value, when it cannot read it.
        readable = isinstance(row["context"], dict)
        context: dict[str, Any] = row["context"] if readable else {"action": "", "params": {}, "created_by": ""}
        fired = await DBOS.list_workflows_async(
            name=WORKFLOW, schedule_name=row["schedule_name"], limit=1, sort_desc=True, load_input=False
        )
        outcome = outcome_of(fired[0]) if fired else {}
        problem = outcome.get("problem") if readable else RecordUnreadable(UNREADABLE).problem().model_dump()
        return Schedule(
            name=row["schedule_name"],
            action=context["action"],
            params=redact_params(context["params"]),
            cron=row["schedule"],
            timezone=row["cron_timezone"] or "UTC",
            created_by=context["created_by"],
            token=context.get("token", ""),
            paused=await self._paused(context),
            next_at=_cron(row["schedule"], _zone(row), datetime.now(UTC)).get_next(datetime).astimezone(UTC),
            last_at=datetime.fromtimestamp(fired[0].created_at / 1000, UTC) if fired and fired[0].created_at else None,
            last_job=outcome.get("job"),
            last_problem=problem_of(problem) if problem else None,
        )


def check_cron(cron: str, timezone: str) -> None:
    """Raise InvalidParams, with the reason, for a bad cron expression or an unknown time zone."""
    try:
        zone = ZoneInfo(timezone)
    except (OSError, ValueError, KeyError) as error:
        raise InvalidParams(f"There is no time zone {timezone[:60]!r}; use one like Europe/Berlin or UTC.") from error
    count = len(cron.split())
    if not cron.startswith("@") and count not in (5, 6):
        raise InvalidParams(f"cron {cron[:80]!r} has {count} fields; it needs five: {FIELDS}, such as '30 2 * * *'.")
    try:
        if RANDOM.search(cron):
            raise ValueError("R and H mean another time in each process")
        _cron(cron, zone, datetime.now(UTC)).get_next(datetime)
    except (CroniterError, ValueError, KeyError, TypeError) as error:
        raise InvalidParams(f"cron {cron[:80]!r} cannot be used: {error}. The fields are: {FIELDS}.") from error


def check_interval(cron: str, least: int) -> None:
    """Raise InvalidParams for a cron expression of which two times are less than `least` seconds apart.

    It looks at the times of a year, or at the first MOST_TIMES of them, which are several days of the pattern.
    """
    now = datetime.now(UTC)
    times = _cron(cron, ZoneInfo("UTC"), now)
    try:
        before = times.get_next(datetime)
        for _ in range(MOST_TIMES):
            following = times.get_next(datetime)
            if (following - before).total_seconds() < least:
                raise InvalidParams(
                    f"cron {cron[:80]!r} fires twice within {least} seconds, at {before:%H:%M:%S} and "
                    f"{following:%H:%M:%S}. Leave more time in between, or change VMKOPS_SCHEDULE_SECONDS."
                )
            if following - now > YEAR:
                return
            before = following
    except CroniterError:
        return  # there are no more times


def missed(row: Mapping[str, Any], now: datetime) -> datetime | None:
    """The last time of the engine's schedule `row` that was due by `now`, if it has not fired since; None otherwise."""
    due: datetime = _cron(row["schedule"], _zone(row), now).get_prev(datetime)
    known = [row["last_fired_at"], row["context"]["changed_at"]]
    return due if due > max(datetime.fromisoformat(at) for at in known if at) else None


def _token_of(schedule: Mapping[str, Any]) -> str:
    """The name of the token behind a schedule; version 0.1.0 stored it only as the name of who made it."""
    return str(schedule.get("token") or str(schedule["created_by"]).partition("token:")[2])


def _zone(row: Mapping[str, Any]) -> ZoneInfo:
    return ZoneInfo(row["cron_timezone"] or "UTC")


def _cron(cron: str, zone: ZoneInfo, now: datetime) -> croniter:
    return croniter(cron, now.astimezone(zone), second_at_beginning=True)
