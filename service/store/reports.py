"""Reports that wait for the Slack bot: one row for each, so that each is posted once, whichever process ends meanwhile.

A bot takes a report, posts it, and settles it. A report that was taken and not settled can be taken again after
TAKEN_SECONDS: the bot or Slack did not answer meanwhile. Only a bot that is killed after Slack has accepted the message
and before the report is settled leaves one that is posted twice.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from service.errors import NotFound
from service.store.database import reports

TAKEN_SECONDS = 120
"""How long a report belongs to the bot that took it."""
MOST_UNPOSTED = 20
"""How many reports that wait for a bot are looked at."""
KEPT = timedelta(days=30)
"""How long a report waits for a bot, and how long its row is kept."""


class Report(NamedTuple):
    """One report: of the job `id`, or, with a `problem`, of a firing of the schedule that started no job."""

    id: str
    channel: str
    """A name such as `#ops`, or the ID of a channel."""
    schedule: str
    """The name of the schedule; empty for a job that somebody started."""
    problem: str
    """Why nothing was started, as sentences; empty when there is a job."""


class Unposted(NamedTuple):
    """A report that no bot has posted yet, with the time (RFC 3339) at which its job started."""

    report: Report
    created_at: str


class Reports:
    """The reports of all processes."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    async def expect(self, report: Report) -> None:
        """Note that this report is to be posted; a repeat changes nothing."""
        await asyncio.to_thread(self._expect, report)

    async def waiting(self) -> list[Report]:
        """The reports that a bot may take now, the oldest first; their jobs may be under way."""
        return await asyncio.to_thread(self._waiting)

    async def unposted(self, before: datetime, schedule: str = "") -> list[Unposted]:
        """The oldest reports that no bot has posted, expected before this time; only of this schedule when it is given.

        At most MOST_UNPOSTED; their jobs may be under way.
        """
        return await asyncio.to_thread(self._unposted, before, schedule)

    async def take(self, report_id: str) -> bool:
        """Take a report in order to post it; false when another bot has taken it, or it is settled."""
        return await asyncio.to_thread(self._take, report_id)

    async def settle(self, report_id: str) -> Report:
        """Note that a report was posted, or never can be, and return it; raises NotFound."""
        return await asyncio.to_thread(self._settle, report_id)

    def _expect(self, report: Report) -> None:
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            connection.execute(reports.delete().where(reports.c.created_at < (now - KEPT).isoformat()))
            if connection.execute(sa.select(reports.c.id).where(reports.c.id == report.id)).first() is None:
                connection.execute(reports.insert().values(**report._asdict(), created_at=now.isoformat()))

    def _waiting(self) -> list[Report]:
        wanted = sa.select(*(reports.c[name] for name in Report._fields)).where(*_free()).order_by(reports.c.created_at)
        with self._engine.connect() as connection:
            return [Report(**row._mapping) for row in connection.execute(wanted)]

    def _unposted(self, before: datetime, schedule: str) -> list[Unposted]:
        wanted = [reports.c.settled_at == "", reports.c.created_at < before.isoformat()]
        wanted += [reports.c.created_at >= (datetime.now(UTC) - KEPT).isoformat()]
        wanted += [reports.c.schedule == schedule] if schedule else []
        oldest = sa.select(reports).where(*wanted).order_by(reports.c.created_at).limit(MOST_UNPOSTED)
        with self._engine.connect() as connection:
            rows = [row._mapping for row in connection.execute(oldest)]
        return [Unposted(Report(*(row[name] for name in Report._fields)), row["created_at"]) for row in rows]

    def _take(self, report_id: str) -> bool:
        taking = reports.update().where(reports.c.id == report_id, *_free())
        with self._engine.begin() as connection:
            return connection.execute(taking.values(taken_at=datetime.now(UTC).isoformat())).rowcount == 1

    def _settle(self, report_id: str) -> Report:
        one = reports.c.id == report_id
        with self._engine.begin() as connection:
            row = connection.execute(sa.select(*(reports.c[name] for name in Report._fields)).where(one)).first()
            if row is None:
                raise NotFound(f"There is no report {report_id[:80]!r}.")
            connection.execute(reports.update().where(one).values(settled_at=datetime.now(UTC).isoformat()))
        return Report(**row._mapping)


def _free() -> tuple[sa.ColumnElement[bool], ...]:
    """What is true of a report that may be taken now."""
    now = datetime.now(UTC)
    return (
        reports.c.settled_at == "",
        reports.c.taken_at < (now - timedelta(seconds=TAKEN_SECONDS)).isoformat(),
        reports.c.created_at >= (now - KEPT).isoformat(),
    )
