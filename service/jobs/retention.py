"""Removes the records of jobs, and of firings of schedules, that ended long ago."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from dbos import DBOS

from service.background import every
from service.jobs.keys import forget_keys
from service.store.audit import Audit, Event

SWEEP_SECONDS = 3600
BATCH = 500
ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
"""The engine's states of workflows that have ended."""


async def remove_old(engine: sa.Engine, audit: Audit, days: int) -> int:
    """Remove what ended more than `days` days ago, with its idempotency keys; returns how many records."""
    limit, removed = datetime.now(UTC) - timedelta(days=days), 0
    while batch := await _ended_before(limit):
        await DBOS.delete_workflows_async(batch)
        await asyncio.to_thread(forget_keys, engine, batch)
        removed += len(batch)
    if removed:
        await audit.write(Event.JOBS_REMOVED, count=str(removed), before=limit.isoformat(timespec="seconds"))
    return removed


@contextlib.asynccontextmanager
async def removing_old(engine: sa.Engine, audit: Audit, days: int) -> AsyncIterator[None]:
    """Remove old records now and then every hour, for as long as the block runs."""

    async def sweep() -> None:
        await remove_old(engine, audit, days)

    async with every(SWEEP_SECONDS, sweep, name="the removal of old jobs"):
        yield


async def _ended_before(limit: datetime) -> list[str]:
    """The ids of some workflows that ended before this time."""
    found = await DBOS.list_workflows_async(
        status=ENDED, completed_before=limit.isoformat(), limit=BATCH, load_input=False, load_output=False
    )
    return [each.workflow_id for each in found]
