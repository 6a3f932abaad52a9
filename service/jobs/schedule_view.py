"""Builds the schedule that callers see from the engine's records; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from service.api.redaction import redact_params
from service.api.schedules import Schedule
from service.api.units import when
from service.errors import RecordUnreadable
from service.jobs.cron import cron_times, longest_gap, next_times, times_before
from service.jobs.view import outcome_of, problem_of

LATE_SECONDS = 60
"""A firing that comes so much after its time was late: the engine looks at the schedules every few seconds."""
TIMES = 8
"""Next times that the period of a schedule is computed from: those of a week of a daily one."""
PAUSED = "PAUSED"
"""The engine's state of a schedule that does not fire."""
PAUSED_BY, PAUSED_AT = "paused_by", "paused_at"
"""The keys of a schedule's context with who paused it, and when; absent in those that an earlier version paused."""
UNREADABLE = "vmkops cannot read what this schedule starts, so it does not fire. Save the schedule again."


def schedule_of(row: Mapping[str, Any], fired: Any, refused: str, now: datetime) -> Schedule:
    """The schedule from its row in the engine and its newest firing, which is None before the first one.

    `refused` says why its token does not let it fire; empty when it does.
    """
    # The engine answers with the text of a context, not with its value, when it cannot read it.
    readable = isinstance(row["context"], dict)
    context: dict[str, Any] = row["context"] if readable else {"action": "", "params": {}, "created_by": ""}
    outcome = outcome_of(fired) if fired else {}
    problem = outcome.get("problem") if readable else RecordUnreadable(UNREADABLE).problem().model_dump()
    earlier = times_before(row["schedule"], zone_of(row), now, 2)
    following = next_times(row["schedule"], zone_of(row), now, TIMES)
    last_at = datetime.fromtimestamp(fired.created_at / 1000, UTC) if fired and fired.created_at else None
    due = _due(fired.workflow_id, row["schedule_name"]) if fired else None
    return Schedule(
        name=row["schedule_name"],
        action=context["action"],
        params=redact_params(context["params"]),
        cron=row["schedule"],
        timezone=row["cron_timezone"] or "UTC",
        created_by=context["created_by"],
        token=context.get("token", ""),
        paused=_paused(row) if row.get("status") == PAUSED else refused,
        next_at=following[0],
        period_seconds=longest_gap(following),
        due_before=earlier[1] if len(earlier) > 1 else None,
        last_at=last_at,
        last_due=due,
        last_late_seconds=_late(due, last_at),
        last_job=outcome.get("job"),
        last_problem=problem_of(problem) if problem else None,
    )


def who_paused(row: Mapping[str, Any]) -> dict[str, str]:
    """Who paused the engine's schedule `row`, and when, as its context has it; empty when it does not."""
    context = row["context"] if isinstance(row["context"], dict) and row.get("status") == PAUSED else {}
    return {key: str(context[key]) for key in (PAUSED_BY, PAUSED_AT) if key in context}


def _paused(row: Mapping[str, Any]) -> str:
    by = who_paused(row)
    who = by.get(PAUSED_BY, "Somebody")
    at = f" at {when(by[PAUSED_AT])}" if PAUSED_AT in by else ""
    return f"{who} paused it{at}. `vmkops schedules resume {row['schedule_name']}` lets it fire again."


def missed(row: Mapping[str, Any], now: datetime) -> datetime | None:
    """The last time of the engine's schedule `row` that was due by `now`, if it has not fired since; None otherwise.

    A paused schedule misses none of its times.
    """
    if row.get("status") == PAUSED:
        return None
    due: datetime = cron_times(row["schedule"], zone_of(row), now).get_prev(datetime)
    known = [row["last_fired_at"], row["context"]["changed_at"]]
    return due if due > max(datetime.fromisoformat(at) for at in known if at) else None


def _due(firing: str, name: str) -> datetime | None:
    """The time that a firing belongs to: the engine has it in the id of the firing."""
    try:
        return datetime.fromisoformat(firing.removeprefix(f"sched-{name}-")).astimezone(UTC)
    except ValueError:
        return None


def _late(due: datetime | None, fired: datetime | None) -> int | None:
    seconds = int((fired - due).total_seconds()) if due and fired else 0
    return seconds if seconds >= LATE_SECONDS else None


def zone_of(row: Mapping[str, Any]) -> ZoneInfo:
    """The time zone of the engine's schedule `row`."""
    return ZoneInfo(row["cron_timezone"] or "UTC")
