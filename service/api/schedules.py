"""Schedules as callers see them, and in words, the same for the shell, HTTP and the pages; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from knowledge.runs.marks import attributed
from service.api.models import Problem, Value
from service.api.units import duration, when
from service.api.words import counted


class ReportsWaiting(Value):
    """Reports for Slack that are due and that no bot has taken: how many, and since when the oldest is due."""

    count: int
    since: datetime

    def words(self, zone: tzinfo | None = UTC) -> str:
        """The same in words, and what to do."""
        verb = "waits" if self.count == 1 else "wait"
        return (
            f"{counted(self.count, 'report')} for Slack {verb} since {when(self.since, zone)}: no bot takes them. "
            "`vmkops doctor` checks its settings; `vmkops kb show slack-setup` shows how to set it up."
        )


class Schedule(Value):
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
    """Why it does not fire now, such as a revoked token; empty when it does."""
    replaced: bool = False
    """Whether this call replaced a schedule with the same name."""
    next_at: datetime
    period_seconds: int = 0
    """The longest time between two of its next times, such as three days for one that fires on weekdays."""
    due_before: datetime | None = None
    """The last time but one when it was due: what it does is stale when it was last done before."""
    last_at: datetime | None = None
    last_due: datetime | None = None
    """The time by the clock that the newest firing belongs to."""
    last_late_seconds: int | None = None
    """How much later than that the firing came, when no process ran at its time; absent when it was not late."""
    last_job: str | None = None
    last_problem: Problem | None = None
    """Why the last firing made no job."""
    reports_waiting: ReportsWaiting | None = None
    """Its reports that no Slack bot takes; looked up for one schedule, and absent in a list."""


def what_words(action: str, params: Mapping[str, Any]) -> str:
    """What an action with these parameters does with which target, such as `backup of web-01`."""
    action, target, _ = _parts(action, params)
    return f"{action} of {target}" if target else action


def how_words(action: str, params: Mapping[str, Any]) -> str:
    """The other parameters that are set: `in the window 22:00-06:00 UTC, 4 at a time, quiesce: none`."""
    return ", ".join(_how(name, value) for name, value in _parts(action, params)[2].items())


def schedule_line(each: Schedule) -> str:
    """A schedule in one line."""
    how = how_words(each.action, each.params)
    parts = [
        f"{each.name}  {each.cron} {each.timezone}: {what_words(each.action, each.params)}{f' ({how})' if how else ''}",
        f"paused: {each.paused}" if each.paused else f"next {when(each.next_at)}",
        f"made by {attributed(each.created_by, each.token)}",
        f"the last came {duration(each.last_late_seconds)} late" if each.last_late_seconds else "",
        _last(each),
    ]
    return f"{'; '.join(filter(None, parts))}\n"


def schedule_words(each: Schedule, zone: tzinfo | None = UTC) -> str:
    """Everything about a schedule: what it does, how, when, who made it, and what came of its last run."""
    late = f", {duration(each.last_late_seconds)} late" if each.last_late_seconds else ""
    told = {
        "how": how_words(each.action, each.params),
        "at": f"{each.cron} ({each.timezone})",
        "next": "" if each.paused else when(each.next_at, zone),
        "paused": each.paused,
        "made by": attributed(each.created_by, each.token),
        "last run": f"{when(each.last_at, zone)}{late}" if each.last_at else "",
        "last job": each.last_job or "",
        "no job": each.last_problem.detail if each.last_problem else "",
        "reports": each.reports_waiting.words(zone) if each.reports_waiting else "",
    }
    lines = [f"{each.name}: {what_words(each.action, each.params)}"]
    lines += [f"  {label:<10}  {text}" for label, text in told.items() if text]
    return "\n".join(lines) + "\n"


def _last(each: Schedule) -> str:
    if each.last_problem:
        return f"the last made no job: {each.last_problem.detail}"
    return f"last job {each.last_job}" if each.last_job else ""


def _parts(action: str, params: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """The action, its target and its other parameters that are set; those of the inner action of a fleet."""
    given = dict(params)
    if action == "fleet":
        target = str(given.pop("vms", ""))
        return str(given.pop("action", "backup")), target, _set({**given.pop("params", {}), **given})
    first = next(iter(given), "")
    target = given.pop(first) if isinstance(given.get(first), str) else ""
    return action, target, _set(given)


def _set(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value not in (None, "", {}, [])}


def _how(name: str, value: Any) -> str:
    if name == "window":
        return f"in the window {value}"
    if name == "max_parallel":
        return f"{value} at a time"
    if name == "keep":
        return f"keeping {value} of the backups"
    return f"{name.replace('_', ' ')}: {_words(value)}"


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return " and ".join(f"{name} to {other}" for name, other in value.items())
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)
