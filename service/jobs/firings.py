"""What a schedule does when its time has come: one job, queued once, or the reason why there is none."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dbos import DBOS
from pydantic import ValidationError

from service.errors import Conflict, InvalidParams, NotAllowed, NotFound, VmkopsError
from service.jobs.action import Action, Context, Target
from service.jobs.engine import Jobs
from service.jobs.keys import former_job_id
from service.jobs.view import outcome_of
from service.retry import attempts
from service.store.audit import Audit, Event
from service.store.reports import Report
from service.store.tokens import Asker, Tokens

log = logging.getLogger(__name__)

WORKFLOW = "vmkops.schedule"
RETRY_SECONDS = (60, 300, 900)
"""Pauses between the attempts of a firing while vCenter does not answer."""


class Firings:
    """The firings of all schedules, each a durable workflow."""

    def __init__(
        self, jobs: Jobs, actions: Mapping[str, Action], context: Context, tokens: Tokens, audit: Audit
    ) -> None:
        self._jobs = jobs
        self._actions = actions
        self._context = context
        self._tokens = tokens
        self._audit = audit
        self._told: dict[str, str] = {}
        """By the name of a schedule, the refusal that this process has told people about."""

    def register(self) -> Any:
        """Register the workflow of a firing and return it, before the engine's launch, as interrupted ones continue."""

        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=1000)
        async def fire(scheduled_at: datetime, schedule: dict[str, Any]) -> dict[str, Any]:
            return await self._fire(scheduled_at, schedule)

        return fire

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
        if channel and self._context.settings.takes_report(channel):
            await self._context.reports.expect(Report(firing, channel, schedule["name"], problem))

    async def _look(self, schedule: dict[str, Any]) -> dict[str, Any]:
        if await DBOS.get_schedule_async(schedule["name"]) is None:
            self._told.pop(schedule["name"], None)
            gone = NotFound(f"The schedule {schedule['name']!r} was removed before it could start anything.")
            return {"problem": gone.problem().model_dump(), "again": True}  # nobody has to be told
        name = schedule["name"]
        if paused := await self.refusal(schedule):
            # The firing before this one may not have ended yet, so what it has told is kept here as well.
            told = self._told.get(name) == paused
            self._told[name] = paused
            again = told or await self._was_paused(name)
            if not again:
                await self._audit.write(Event.SCHEDULE_PAUSED, token=_asker(schedule).token, name=name, reason=paused)
            return {"problem": NotAllowed(paused).problem().model_dump(), "paused": True, "again": again}
        self._told.pop(name, None)
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

    async def refusal(self, schedule: Mapping[str, Any]) -> str:
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


def _asker(schedule: Mapping[str, Any]) -> Asker:
    """Who made or last changed a schedule; version 0.1.0 stored the token only as the name of who made it."""
    maker = str(schedule["created_by"])
    return Asker(maker, str(schedule.get("token") or maker.partition("token:")[2]))
