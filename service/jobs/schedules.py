"""Schedules: actions that start by the clock. Each firing is a durable workflow that queues one job, once."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from dbos import DBOS
from pydantic import ValidationError

from knowledge.runs.marks import attributed
from knowledge.spelling import nearest_name
from service.api.schedules import Schedule
from service.api.words import counted
from service.errors import Conflict, InvalidParams, NotAllowed, NotFound, RecordUnreadable, VmkopsError
from service.jobs.action import Action, Context, Target
from service.jobs.cron import check_cron, check_interval
from service.jobs.engine import Jobs
from service.jobs.keys import former_job_id
from service.jobs.late_reports import late_reports
from service.jobs.schedule_view import PAUSED, PAUSED_AT, PAUSED_BY, UNREADABLE, missed, schedule_of, who_paused
from service.jobs.view import outcome_of
from service.retry import attempts
from service.store.audit import Audit, Event
from service.store.database import InterProcessLock
from service.store.reports import Report
from service.store.tokens import Actor, Asker, Tokens

log = logging.getLogger(__name__)

WORKFLOW = "vmkops.schedule"
RETRY_SECONDS = (60, 300, 900)
"""Pauses between the attempts of a firing while vCenter does not answer."""


class Schedules:
    """The schedules of all processes. The engine stores them, so that each fires once, in one process."""

    def __init__(
        self,
        jobs: Jobs,
        actions: Mapping[str, Action],
        context: Context,
        tokens: Tokens,
        audit: Audit,
        engine: sa.Engine,
    ) -> None:
        self._tokens = tokens
        self._audit = audit
        self._jobs = jobs
        self._actions = actions
        self._context = context
        self._settings = context.settings
        self._workflow: Any = None
        self._saving = InterProcessLock(engine, "schedules")

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
            raise await _no_schedule(name)
        waiting = await late_reports(self._context.reports, name)
        return (await self._view(row)).model_copy(update={"reports_waiting": waiting})

    async def put(
        self, name: str, *, action: str, params: dict[str, Any], cron: str, timezone: str, actor: Actor
    ) -> Schedule:
        """Create the schedule with this name, or replace it; a paused one stays paused.

        It fires for as long as the token of `actor` is valid. Raises InvalidParams for a bad `cron` or `timezone`, and
        for a schedule that would fire more often than VMKOPS_SCHEDULE_SECONDS allows; and Conflict for a new one
        when there are as many as VMKOPS_MAX_SCHEDULES allows.
        """
        check_cron(cron, timezone)
        await asyncio.to_thread(check_interval, cron, self._settings.schedule_seconds)
        context = {
            "name": name,
            "action": action,
            "params": params,
            "created_by": actor.name,
            "token": actor.token,
            "changed_at": datetime.now(UTC).isoformat(),
        }
        await asyncio.to_thread(self._save, name, cron, timezone, context)
        return await self.get(name)

    def _save(self, name: str, cron: str, timezone: str, context: dict[str, Any]) -> None:
        # Two new ones at once, also in two processes, must not both be the last that is allowed.
        with self._saving.acquire():
            most = self._settings.max_schedules
            rows = {row["schedule_name"]: row for row in DBOS.list_schedules()}
            if name not in rows and len(rows) >= most:
                raise Conflict(
                    f"VMKOPS_MAX_SCHEDULES allows {counted(most, 'schedule')}, and there are as many. Remove one that "
                    "is no longer needed (vmkops schedules remove NAME), or raise the setting."
                )
            paused = who_paused(rows[name]) if name in rows else {}
            self._apply(name, cron, timezone, {**context, **paused})

    async def exists(self, name: str) -> bool:
        """Whether there is a schedule with this name."""
        return await DBOS.get_schedule_async(name) is not None

    async def pause(self, name: str, actor: Actor) -> Schedule:
        """Let a schedule fire no more until it is resumed, and keep who paused it; raises NotFound."""
        await self.get(name)
        await asyncio.to_thread(self._pause, name, attributed(actor.name, actor.token))
        return await self.get(name)

    def _pause(self, name: str, who: str) -> None:
        with self._saving.acquire():
            row = DBOS.get_schedule(name)
            if row and isinstance(row["context"], dict) and row.get("status") != PAUSED:
                context = {**row["context"], PAUSED_BY: who, PAUSED_AT: datetime.now(UTC).isoformat()}
                self._apply(name, row["schedule"], row["cron_timezone"] or "UTC", context)
            DBOS.pause_schedule(name)

    async def resume(self, name: str) -> Schedule:
        """Let a paused schedule fire again, from its next time on; raises NotFound."""
        row = await self._row(name)
        # Saved anew: the next start of the service must not catch up on the times that it was paused for.
        context = {**row["context"], "changed_at": datetime.now(UTC).isoformat()}
        context = {key: value for key, value in context.items() if key not in (PAUSED_BY, PAUSED_AT)}
        await asyncio.to_thread(self._apply, name, row["schedule"], row["cron_timezone"] or "UTC", context)
        await asyncio.to_thread(DBOS.resume_schedule, name)
        return await self.get(name)

    async def given(self, name: str) -> tuple[str, dict[str, Any]]:
        """The action of a schedule, and its parameters with their secret parts; raises NotFound."""
        context = (await self._row(name))["context"]
        return context["action"], context["params"]

    async def _row(self, name: str) -> Mapping[str, Any]:
        """A schedule as the engine stores it; raises NotFound, or RecordUnreadable."""
        row = await DBOS.get_schedule_async(name)
        if row is None:
            raise await _no_schedule(name)
        if not isinstance(row["context"], dict):
            raise RecordUnreadable(UNREADABLE)
        return row

    def _apply(self, name: str, cron: str, timezone: str, context: Mapping[str, Any]) -> None:
        DBOS.apply_schedules(
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

    async def delete(self, name: str) -> None:
        """Delete a schedule; jobs that it has started continue. Raises NotFound."""
        await self.get(name)
        await DBOS.delete_schedule_async(name)

    async def _fire(self, scheduled_at: datetime, schedule: dict[str, Any]) -> dict[str, Any]:
        maker = f"schedule:{schedule['name']}"
        job_id = former_job_id(maker, f"{schedule['name']} {scheduled_at.isoformat()}")
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
            if not looked.get("again"):
                await self._report(schedule, job_id, looked["problem"]["detail"])
            return looked
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
                asker=_asker(schedule),
                job_id=job_id,
            )
        except VmkopsError as error:
            log.warning("schedule %s started no job: %s", schedule["name"], error)
            await self._report(schedule, job_id, str(error))
            return {"problem": error.problem().model_dump()}
        return {"job": job.id}

    async def _report(self, schedule: Mapping[str, Any], firing: str, problem: str) -> None:
        """Let the channel of the schedule, if it has one, know that this firing started nothing."""
        channel = schedule["params"].get("report_to")
        if channel and self._settings.takes_report(channel):
            await self._context.reports.expect(Report(firing, channel, schedule["name"], problem))

    async def _look(self, schedule: dict[str, Any]) -> dict[str, Any]:
        if await DBOS.get_schedule_async(schedule["name"]) is None:
            gone = NotFound(f"The schedule {schedule['name']!r} was removed before it could start anything.")
            return {"problem": gone.problem().model_dump(), "again": True}  # nobody has to be told
        if paused := await self._paused(schedule):
            again = await self._was_paused(schedule["name"])
            if not again:
                await self._audit.write(
                    Event.SCHEDULE_PAUSED, token=_asker(schedule).token, name=schedule["name"], reason=paused
                )
            return {"problem": NotAllowed(paused).problem().model_dump(), "paused": True, "again": again}
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
        """Why the schedule may not fire, as sentences; empty when it may."""
        refusal = await asyncio.to_thread(self._tokens.no_longer_may, _asker(schedule))
        return (
            f"{refusal} The schedule is paused until somebody who may start actions saves it again." if refusal else ""
        )

    async def _was_paused(self, name: str) -> bool:
        """Whether the firing before this one was paused too."""
        fired = await DBOS.list_workflows_async(
            name=WORKFLOW, schedule_name=name, limit=2, sort_desc=True, load_input=False
        )
        return len(fired) > 1 and bool(outcome_of(fired[1]).get("paused"))

    async def _view(self, row: Mapping[str, Any]) -> Schedule:
        fired = await DBOS.list_workflows_async(
            name=WORKFLOW, schedule_name=row["schedule_name"], limit=1, sort_desc=True, load_input=False
        )
        refused = await self._paused(row["context"]) if isinstance(row["context"], dict) else ""
        return schedule_of(row, fired[0] if fired else None, refused, datetime.now(UTC))


async def _no_schedule(name: str) -> NotFound:
    """The error for a schedule that does not exist, with the one that was probably meant."""
    near = nearest_name(name, [row["schedule_name"] for row in await DBOS.list_schedules_async()])
    guess = f"Did you mean {near}?" if near else "The list of schedules has their names."
    return NotFound(f"There is no schedule {name[:60]!r}. {guess}", [near] if near else None)


def _asker(schedule: Mapping[str, Any]) -> Asker:
    """Who made or last changed a schedule; version 0.1.0 stored the token only as the name of who made it."""
    maker = str(schedule["created_by"])
    return Asker(maker, str(schedule.get("token") or maker.partition("token:")[2]))
