"""Schedules: actions that start by the clock. Each firing is a durable workflow that queues one job, once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from dbos import DBOS

from knowledge.runs.marks import attributed
from knowledge.spelling import nearest_name
from service.api.schedules import Schedule
from service.api.words import counted
from service.errors import Conflict, NotFound, RecordUnreadable
from service.jobs.action import Action, Context
from service.jobs.cron import check_cron, check_interval
from service.jobs.engine import Jobs
from service.jobs.firings import WORKFLOW, Firings
from service.jobs.late_reports import late_reports
from service.jobs.schedule_view import PAUSED, PAUSED_AT, PAUSED_BY, UNREADABLE, missed, schedule_of, who_paused
from service.store.audit import Audit
from service.store.database import InterProcessLock
from service.store.tokens import Actor, Tokens

log = logging.getLogger(__name__)


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
        self._firings = Firings(jobs, actions, context, tokens, audit)
        self._workflow: Any = None
        self._saving = InterProcessLock(engine, "schedules")

    def register(self) -> None:
        """Register the workflow of a firing. Do so before the engine's launch, so that interrupted firings continue."""

        self._workflow = self._firings.register()

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

    async def _view(self, row: Mapping[str, Any]) -> Schedule:
        fired = await DBOS.list_workflows_async(
            name=WORKFLOW, schedule_name=row["schedule_name"], limit=1, sort_desc=True, load_input=False
        )
        refused = await self._firings.refusal(row["context"]) if isinstance(row["context"], dict) else ""
        return schedule_of(row, fired[0] if fired else None, refused, datetime.now(UTC))


async def _no_schedule(name: str) -> NotFound:
    """The error for a schedule that does not exist, with the one that was probably meant."""
    near = nearest_name(name, [row["schedule_name"] for row in await DBOS.list_schedules_async()])
    guess = f"Did you mean {near}?" if near else "The list of schedules has their names."
    return NotFound(f"There is no schedule {name[:60]!r}. {guess}", [near] if near else None)
