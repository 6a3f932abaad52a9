"""The ledger of mounts: each staged package gets a row before its folder gets its name, so none is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from service.store.database import mounts

UNMOUNTED, EXPIRED = "unmounted", "expired"
"""How a mount ended: somebody unmounted it, or its lease ended."""
KEPT = timedelta(days=90)
"""How long the row of a mount that has ended is kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MountRow:
    """A package that the job `job` staged in the folder `name` of VMKOPS_MOUNT_DIR.

    `vm` is a moref, and `vm_name` its name. `files` are the names of its files, and `size` is their bytes. `until` is
    the end of its lease, `ended_at` when its files were removed, or None (RFC 3339, UTC). `end` is how it ended, empty
    while it is mounted, and `expired` while its files go. `trouble` is why it could not be removed yet.
    """

    job: str
    name: str
    vcenter: str
    vm: str
    vm_name: str
    files: Sequence[str]
    size: int
    until: str
    created_at: str = ""
    ended_at: str | None = None
    end: str = ""
    trouble: str = ""


class MountLedger:
    """The rows, one for each job; every write can be repeated when a step runs again."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    async def intend(self, row: MountRow) -> None:
        """Record that the folder of this job is about to get its name."""
        await asyncio.to_thread(self._intend, row)

    async def mounted(self) -> list[MountRow]:
        """What is mounted, the oldest first."""
        return await asyncio.to_thread(self._select, mounts.c.ended_at.is_(None))

    async def last(self, name: str) -> MountRow | None:
        """The last mount with this name of a folder, also when it has ended; None when there is none."""
        rows = await asyncio.to_thread(self._select, mounts.c.name == name)
        return rows[-1] if rows else None

    async def ended(self, job: str, end: str) -> bool:
        """Record how a mount ended; whether it had not ended before."""
        values = {"ended_at": _now(), "end": end, "trouble": ""}
        is_open = (mounts.c.job == job) & mounts.c.ended_at.is_(None)
        return await asyncio.to_thread(self._write, mounts.update().where(is_open).values(**values)) > 0

    async def expire(self, row: MountRow) -> bool:
        """Record that the lease of `row` has ended, before its files go; False when it was renewed meanwhile."""
        return await self._change(row, mounts.c.end.in_(("", EXPIRED)), {"end": EXPIRED})

    async def renew(self, row: MountRow, until: str) -> bool:
        """Give `row` another end of its lease; False when it has ended, or was renewed, meanwhile."""
        return await self._change(row, mounts.c.end == "", {"until": until})

    async def _change(self, row: MountRow, condition: sa.ColumnElement[bool], values: Mapping[str, str]) -> bool:
        same = (mounts.c.job == row.job) & mounts.c.ended_at.is_(None) & (mounts.c.until == row.until)
        return await asyncio.to_thread(self._write, mounts.update().where(same & condition).values(**values)) > 0

    async def forget(self, job: str) -> None:
        """Remove the row of a job that staged nothing in the end."""
        await asyncio.to_thread(self._write, mounts.delete().where(mounts.c.job == job))

    async def trouble(self, job: str, why: str) -> None:
        """Record why the files of a mount could not be removed yet."""
        await asyncio.to_thread(self._write, mounts.update().where(mounts.c.job == job).values(trouble=why[:1000]))

    async def forget_old(self) -> None:
        """Remove the rows of mounts that ended long ago."""
        limit = (datetime.now(UTC) - KEPT).isoformat()
        await asyncio.to_thread(self._write, mounts.delete().where(mounts.c.ended_at < limit))

    def _intend(self, row: MountRow) -> None:
        names = ("job", "name", "vcenter", "vm", "vm_name", "size", "until")
        values = {**{name: getattr(row, name) for name in names}, "files": list(row.files)}
        with self._engine.begin() as connection:
            connection.execute(mounts.delete().where(mounts.c.job == row.job))
            connection.execute(mounts.insert().values(created_at=_now(), **values))

    def _write(self, statement: sa.Executable) -> int:
        with self._engine.begin() as connection:
            return int(connection.execute(statement).rowcount)

    def _select(self, condition: sa.ColumnElement[bool]) -> list[MountRow]:
        asked = sa.select(mounts).where(condition).order_by(mounts.c.created_at, mounts.c.job)
        with self._engine.connect() as connection:
            return [MountRow(**row._mapping) for row in connection.execute(asked)]


def _now() -> str:
    return datetime.now(UTC).isoformat()
