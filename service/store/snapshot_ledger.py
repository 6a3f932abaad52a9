"""The ledger of our snapshots: each gets a row before it is taken, so that none is forgotten."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from service.store.database import snapshots


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerRow:
    """One snapshot of a job: planned (`moref` is empty), taken, gone (`gone_at`), or gone and merged (`removed_at`).

    `removed_at` without `gone_at` is a snapshot that stays on purpose.

    `nonce` is in the snapshot's description. `trouble` is why it could not be removed or merged yet. `failures` counts
    the merges that failed; the next one is due at `next_at` (RFC 3339, or empty for at once).
    """

    job: str
    vcenter: str
    vm: str
    vm_name: str
    nonce: str
    moref: str
    created_at: str
    gone_at: str | None
    removed_at: str | None
    trouble: str
    failures: int
    next_at: str

    @property
    def kept(self) -> bool:
        """Whether the snapshot stays on purpose, for people."""
        return self.removed_at is not None and self.gone_at is None and self.moref != ""


class SnapshotLedger:
    """The rows, one for each job; every write can be repeated when a step runs again."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    async def intend(self, job: str, vcenter: str, vm: str, vm_name: str) -> str:
        """Record that this job is about to take a snapshot; returns the nonce for the snapshot's description."""
        return await asyncio.to_thread(self._intend, job, vcenter, vm, vm_name)

    async def taken(self, job: str, moref: str) -> None:
        """Record the snapshot's moref."""
        await asyncio.to_thread(self._update, job, {"moref": moref})

    async def gone(self, job: str) -> None:
        """Record that the snapshot is gone, but not yet whether its disks are merged."""
        await asyncio.to_thread(self._update, job, {"gone_at": _now(), "trouble": ""})

    async def merged(self, job: str) -> None:
        """Record that the snapshot is gone and that vSphere has merged its disks; this closes the row."""
        await asyncio.to_thread(self._update, job, {"removed_at": _now(), "trouble": ""})

    async def keep(self, job: str) -> None:
        """Record that the snapshot stays on purpose: nobody but a person removes it, or `release` ends that."""
        await asyncio.to_thread(self._update, job, {"removed_at": _now(), "gone_at": None, "trouble": ""})

    async def release(self, job: str) -> None:
        """Record that a snapshot which was kept is to be removed after all."""
        await asyncio.to_thread(self._update, job, {"removed_at": None})

    async def kept_rows(self) -> list[LedgerRow]:
        """The rows of the snapshots that stay on purpose, also of those that a person has removed since."""
        kept = snapshots.c.removed_at.is_not(None) & snapshots.c.gone_at.is_(None) & (snapshots.c.moref != "")
        return await asyncio.to_thread(self._select, kept)

    async def not_merged(self, job: str, why: str, next_at: datetime | None = None) -> None:
        """Record that a merge has failed, and when to try again; without a time, at the next sweep."""
        at = next_at.isoformat() if next_at else ""
        values = {"trouble": why[:1000], "next_at": at, "failures": snapshots.c.failures + 1}
        await asyncio.to_thread(self._update, job, values)

    async def appeared(self, job: str) -> None:
        """Record that a snapshot of the job is there after all: vCenter has taken it late."""
        await asyncio.to_thread(self._update, job, {"moref": "", "gone_at": None, "removed_at": None, "trouble": ""})

    async def trouble(self, job: str, why: str) -> None:
        """Record why the snapshot could not be removed yet."""
        await asyncio.to_thread(self._update, job, {"trouble": why[:1000]})

    async def row(self, job: str) -> LedgerRow | None:
        """The row of a job; None when it took no snapshot."""
        found = await asyncio.to_thread(self._select, snapshots.c.job == job)
        return found[0] if found else None

    async def open_rows(self) -> list[LedgerRow]:
        """The rows of the snapshots that may still exist, or whose disks are not merged yet, oldest first."""
        return await asyncio.to_thread(self._select, snapshots.c.removed_at.is_(None))

    async def unmerged(self, vcenter: str, vm: str) -> list[LedgerRow]:
        """The rows of this VM (a moref) whose snapshot is gone, and whose disks are not merged yet."""
        here = (snapshots.c.vcenter == vcenter) & (snapshots.c.vm == vm)
        left = snapshots.c.gone_at.is_not(None) & snapshots.c.removed_at.is_(None)
        return await asyncio.to_thread(self._select, here & left)

    def _intend(self, job: str, vcenter: str, vm: str, vm_name: str) -> str:
        if found := self._select(snapshots.c.job == job):
            return found[0].nonce
        nonce = secrets.token_hex(8)
        row = {"job": job, "vcenter": vcenter, "vm": vm, "vm_name": vm_name, "nonce": nonce, "created_at": _now()}
        with self._engine.begin() as connection:
            connection.execute(snapshots.insert().values(moref="", trouble="", **row))
        return nonce

    def _update(self, job: str, values: dict[str, Any]) -> None:
        with self._engine.begin() as connection:
            connection.execute(snapshots.update().where(snapshots.c.job == job).values(**values))

    def _select(self, condition: sa.ColumnElement[bool]) -> list[LedgerRow]:
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(snapshots).where(condition).order_by(snapshots.c.created_at))
            return [LedgerRow(**row._mapping) for row in rows]


def _now() -> str:
    return datetime.now(UTC).isoformat()
