"""The ledger of disk files that no VM has for a while: each gets a row before it is detached, so none is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from service.store.database import disk_files


@dataclass(frozen=True, kw_only=True, slots=True)
class DiskRow:
    """A disk that a job moves from `source` to `target`, both datastore paths in one datacenter (a moref).

    The file is for the VM `vm` (a moref), whose name is `vm_name`. `used_at` is when a VM was first seen to have the
    file after its job had ended (RFC 3339), or None: such a file may hold what somebody needs. `trouble` is why the
    file could not be deleted yet.
    """

    job: str
    number: int
    vcenter: str
    datacenter: str
    vm: str
    vm_name: str
    source: str
    target: str
    created_at: str = ""
    used_at: str | None = None
    trouble: str = ""

    @property
    def files(self) -> tuple[str, str]:
        """Where the file may be, in the order in which it has to be looked for: a late move goes from first to last."""
        return self.source, self.target


class DiskLedger:
    """The rows, one for each disk of a job; every write can be repeated when a step runs again."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    async def intend(self, rows: Sequence[DiskRow]) -> None:
        """Record that a job is about to detach these disks from its temporary VM."""
        await asyncio.to_thread(self._intend, rows)

    async def of_job(self, job: str) -> list[DiskRow]:
        """The rows of one job."""
        return await asyncio.to_thread(self._select, disk_files.c.job == job)

    async def row(self, job: str, number: int) -> DiskRow | None:
        """The row of one disk of a job; None when it is settled."""
        found = await asyncio.to_thread(self._select, _is(job, number))
        return found[0] if found else None

    async def rows(self) -> list[DiskRow]:
        """All rows, the oldest first."""
        return await asyncio.to_thread(self._select, sa.true())

    async def settled(self, job: str, number: int | None = None) -> None:
        """Forget a disk, or all disks of the job: the VM has it, or its file is gone."""
        every = disk_files.c.job == job
        await asyncio.to_thread(self._write, disk_files.delete().where(every if number is None else _is(job, number)))

    async def used(self, row: DiskRow) -> None:
        """Record that a VM has the file, after its job has ended."""
        values = {"used_at": datetime.now(UTC).isoformat(), "trouble": ""}
        await asyncio.to_thread(self._write, disk_files.update().where(_is(row.job, row.number)).values(**values))

    async def trouble(self, row: DiskRow, why: str) -> None:
        """Record why the file could not be deleted yet."""
        changed = disk_files.update().where(_is(row.job, row.number)).values(trouble=why[:1000])
        await asyncio.to_thread(self._write, changed)

    def _intend(self, rows: Sequence[DiskRow]) -> None:
        with self._engine.begin() as connection:
            for row in rows:
                if connection.execute(sa.select(disk_files).where(_is(row.job, row.number))).first() is None:
                    names = ("job", "number", "vcenter", "datacenter", "vm", "vm_name", "source", "target")
                    values = {name: getattr(row, name) for name in names}
                    now = datetime.now(UTC).isoformat()
                    connection.execute(disk_files.insert().values(created_at=now, trouble="", **values))

    def _write(self, statement: sa.Executable) -> None:
        with self._engine.begin() as connection:
            connection.execute(statement)

    def _select(self, condition: sa.ColumnElement[bool]) -> list[DiskRow]:
        asked = sa.select(disk_files).where(condition).order_by(disk_files.c.created_at, disk_files.c.number)
        with self._engine.connect() as connection:
            return [DiskRow(**row._mapping) for row in connection.execute(asked)]


def _is(job: str, number: int) -> sa.ColumnElement[bool]:
    return (disk_files.c.job == job) & (disk_files.c.number == number)
