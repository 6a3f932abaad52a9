"""The leases that jobs have open in vCenter, so that the next process ends those of one that died."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from service.store.database import leases


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaseRow:
    """One lease (a moref in the vCenter with that name) that a job has opened and that may still be open."""

    vcenter: str
    lease: str
    job: str


class OpenLeases:
    """The rows; every write can be repeated when a step runs again."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def of_job(self, job: str, vcenter: str) -> JobLeases:
        """The leases of one job in one vCenter."""
        return JobLeases(self, job, vcenter)

    def add(self, row: LeaseRow) -> None:
        """Record a lease; blocks."""
        with self._engine.begin() as connection:
            if connection.execute(sa.select(leases).where(_is(row))).first() is None:
                opened_at = datetime.now(UTC).isoformat()
                values = {"vcenter": row.vcenter, "lease": row.lease, "job": row.job, "opened_at": opened_at}
                connection.execute(leases.insert().values(**values))

    def remove(self, row: LeaseRow) -> None:
        """Forget a lease that has ended; blocks."""
        with self._engine.begin() as connection:
            connection.execute(leases.delete().where(_is(row)))

    async def rows(self, job: str | None = None) -> list[LeaseRow]:
        """The recorded leases, of one job or of all, the oldest first."""
        return await asyncio.to_thread(self._rows, job)

    def _rows(self, job: str | None) -> list[LeaseRow]:
        asked = sa.select(leases.c.vcenter, leases.c.lease, leases.c.job).order_by(leases.c.opened_at)
        with self._engine.connect() as connection:
            found = connection.execute(asked if job is None else asked.where(leases.c.job == job))
            return [LeaseRow(**row._mapping) for row in found]


class JobLeases:
    """The record of the leases of one job in one vCenter."""

    def __init__(self, leases: OpenLeases, job: str, vcenter: str) -> None:
        self._leases = leases
        self._job = job
        self._vcenter = vcenter

    def opened(self, lease: str) -> None:
        """Record a lease (a moref). Blocks: it is called in the thread that has opened the lease, at once after it."""
        self._leases.add(self._row(lease))

    async def ended(self, lease: str) -> None:
        """Forget a lease that has ended."""
        await asyncio.to_thread(self._leases.remove, self._row(lease))

    async def recorded(self) -> list[str]:
        """The morefs of the leases that may still be open, whichever process has opened them."""
        return [row.lease for row in await self._leases.rows(self._job) if row.vcenter == self._vcenter]

    def _row(self, lease: str) -> LeaseRow:
        return LeaseRow(vcenter=self._vcenter, lease=lease, job=self._job)


def _is(row: LeaseRow) -> sa.ColumnElement[bool]:
    return (leases.c.vcenter == row.vcenter) & (leases.c.lease == row.lease)
