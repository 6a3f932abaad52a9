"""What the metrics say of jobs and schedules, read from the engine's own record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from dbos import DBOS

from service.api.models import JobState
from service.jobs import firings
from service.jobs.claims import WORKFLOW
from service.jobs.schedule_view import missed
from service.jobs.view import LIVE, outcome_of, state_of

LATE = timedelta(minutes=2)
"""How long after its time a schedule that has not fired counts as late; the engine looks every few seconds."""
NEVER, WAITING, NOT_STARTED = "never", "waiting", "not_started"
"""Outcomes of a schedule without a job: it never fired, its firing waits for vCenter, or could not start the job."""


class CountedJob(NamedTuple):
    """One job; `seconds` is from its start to its end, None for a job that has not ended or never started."""

    id: str
    action: str
    state: JobState
    seconds: float | None = None


class CountedSchedule(NamedTuple):
    """One schedule: whether it missed its last time, and the state of its newest job or one of the outcomes above."""

    name: str
    late: bool
    outcome: str


async def jobs_under_way() -> list[CountedJob]:
    """The jobs that have not ended."""
    found = await DBOS.list_workflows_async(name=WORKFLOW, status=list(LIVE), load_input=False, load_output=False)
    return [CountedJob(each.workflow_id, _action(each), LIVE[each.status]) for each in found]


async def under_way_among(jobs: Collection[str]) -> set[str]:
    """Those of these jobs that have not ended."""
    if not jobs:
        return set()
    found = await DBOS.list_workflows_async(
        workflow_ids=list(jobs), status=list(LIVE), load_input=False, load_output=False
    )
    return {each.workflow_id for each in found}


async def jobs_ended_since(since: datetime) -> list[CountedJob]:
    """The jobs of all processes that ended after this time."""
    found = await DBOS.list_workflows_async(name=WORKFLOW, completed_after=since.isoformat(), load_input=False)
    return [CountedJob(each.workflow_id, _action(each), state_of(each), _seconds(each)) for each in found]


async def schedules_now() -> list[CountedSchedule]:
    """All schedules by name."""
    now = datetime.now(UTC)
    rows = await DBOS.list_schedules_async()
    newest = {str(row["schedule_name"]): await _newest_firing(row["schedule_name"]) for row in rows}
    jobs = {name: str(outcome_of(firing)["job"]) for name, firing in newest.items() if _job_of(firing)}
    ended = await DBOS.list_workflows_async(workflow_ids=list(jobs.values()), load_input=False) if jobs else []
    states = {each.workflow_id: state_of(each).value for each in ended}
    return sorted(
        CountedSchedule(name, is_late(row, newest[name], now), states.get(jobs.get(name, ""), _outcome(newest[name])))
        for row in rows
        for name in (str(row["schedule_name"]),)
    )


async def _newest_firing(name: str) -> Any:
    found = await DBOS.list_workflows_async(
        name=firings.WORKFLOW, schedule_name=name, limit=1, sort_desc=True, load_input=False
    )
    return found[0] if found else None


def _job_of(firing: Any) -> str:
    return str(outcome_of(firing).get("job") or "") if firing else ""


def _outcome(firing: Any) -> str:
    if firing is None:
        return NEVER
    return WAITING if firing.status in LIVE else NOT_STARTED


def is_late(row: Mapping[str, Any], newest: Any, now: datetime) -> bool:
    """Whether the engine's schedule `row`, whose newest firing has the workflow status `newest`, missed its time."""
    if not isinstance(row["context"], dict):
        return True  # the engine cannot read it, so it never fires
    due = missed(row, now - LATE)
    return due is not None and not (newest and newest.created_at and newest.created_at / 1000 >= due.timestamp())


def _action(status: Any) -> str:
    return str((status.attributes or {}).get("action", ""))


def _seconds(status: Any) -> float | None:
    if not status.dequeued_at or not status.completed_at:
        return None
    seconds: float = (status.completed_at - status.dequeued_at) / 1000
    return max(0.0, seconds)
