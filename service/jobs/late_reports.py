"""Reports for Slack that are due and that no bot takes, as when none runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from service.api.schedules import ReportsWaiting
from service.errors import NotFound
from service.jobs import listing, view
from service.store.reports import Reports

LATE = timedelta(minutes=10)
"""How long after the end of its job a report is late: a bot asks every few seconds, and again after two minutes."""


async def late_reports(reports: Reports, schedule: str = "") -> ReportsWaiting | None:
    """How many reports are late, and since when the oldest is due; None when there is none.

    Of a schedule, only its own. Looks at the oldest reports alone, so that the number has a limit.
    """
    latest = datetime.now(UTC) - LATE
    due = [
        await _due(each.report.id, each.created_at, failed=bool(each.report.problem))
        for each in await reports.unposted(latest, schedule)
    ]
    late = [at for at in due if at and at <= latest]
    return ReportsWaiting(count=len(late), since=min(late)) if late else None


async def _due(job: str, created_at: str, *, failed: bool) -> datetime | None:
    """When a report was due: at once when nothing was started, else at the end of its job; None before it."""
    if failed:
        return datetime.fromisoformat(created_at)
    try:
        found = await listing.find(job)
    except NotFound:
        return None
    return view.ended(found).at if view.state_of(found).final else None
