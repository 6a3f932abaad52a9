"""Several processes on one PostgreSQL: each says that it lives, and takes up what a dead one left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import sqlalchemy as sa

from service.executors import BEAT_SECONDS, beat, find_dead, forget, living_formats, retire
from service.jobs.engine import JOB_FORMAT, Jobs
from service.jobs.outdated import end_outdated

log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def enlisted(engine: sa.Engine, executor: str) -> AsyncIterator[None]:
    """Be known as living from before the first job until after the last; an orderly end hands over at once."""
    await asyncio.to_thread(beat, engine, executor, JOB_FORMAT)
    try:
        yield
    finally:
        with contextlib.suppress(sa.exc.SQLAlchemyError):
            await asyncio.to_thread(retire, engine, executor)


@contextlib.asynccontextmanager
async def taking_over(engine: sa.Engine, jobs: Jobs) -> AsyncIterator[None]:
    """Beat, and look for the dead, for as long as the block runs."""

    async def watch() -> None:
        while True:
            try:
                await asyncio.to_thread(beat, engine, jobs.executor_id, JOB_FORMAT)
                for dead in await asyncio.to_thread(find_dead, engine, JOB_FORMAT):
                    log.warning("executor %s is gone; its jobs are taken up here", dead)
                    await jobs.take_over(dead)
                    await asyncio.to_thread(forget, engine, dead)
                await end_outdated({JOB_FORMAT, *await asyncio.to_thread(living_formats, engine)})
            except sa.exc.SQLAlchemyError as error:
                log.warning("the shared database did not answer: %s", error)
            await asyncio.sleep(BEAT_SECONDS)

    timer = asyncio.create_task(watch())
    try:
        yield
    finally:
        timer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await timer
