"""Several processes on one PostgreSQL: each reports that it is alive, and takes over the jobs of one that died."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import sqlalchemy as sa

from service.background import every
from service.jobs.engine import JOB_FORMAT, Jobs
from service.jobs.former_records import FORMER_FORMAT
from service.jobs.outdated import end_outdated
from service.store.executors import BEAT_SECONDS, beat, find_dead, forget, living_formats, mark_stopped, waiting_formats

log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def registered(engine: sa.Engine, executor: str) -> AsyncIterator[None]:
    """Register this executor as alive while the block runs, and mark it as stopped at its end.

    Enter it before the first job and leave it after the last one: another process then takes over unfinished jobs at
    once, without waiting for a missed heartbeat.
    """
    await asyncio.to_thread(beat, engine, executor, JOB_FORMAT)
    try:
        yield
    finally:
        with contextlib.suppress(sa.exc.SQLAlchemyError):
            await asyncio.to_thread(mark_stopped, engine, executor)


@contextlib.asynccontextmanager
async def taking_over(engine: sa.Engine, jobs: Jobs) -> AsyncIterator[None]:
    """Send heartbeats, and queue the jobs of dead executors again, for as long as the block runs."""

    async def beat_and_look() -> None:
        try:
            await asyncio.to_thread(beat, engine, jobs.executor_id, JOB_FORMAT)
            living = await asyncio.to_thread(living_formats, engine)
            if FORMER_FORMAT not in living and FORMER_FORMAT in await asyncio.to_thread(waiting_formats, engine):
                await asyncio.to_thread(jobs.convert_records)
            for dead in await asyncio.to_thread(find_dead, engine, JOB_FORMAT):
                log.warning("executor %s has died; its jobs are queued again", dead)
                await jobs.take_over(dead)
                await asyncio.to_thread(forget, engine, dead)
            await end_outdated({JOB_FORMAT, *living})
        except sa.exc.SQLAlchemyError as error:
            log.warning("the shared database did not answer: %s", error)

    async with every(BEAT_SECONDS, beat_and_look, name="the heartbeat"):
        yield
