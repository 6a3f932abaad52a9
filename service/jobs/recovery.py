"""Several processes on one PostgreSQL: each says that it lives, and takes up what a dead one left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator

import sqlalchemy as sa

from service.database import executors
from service.jobs.engine import Jobs

log = logging.getLogger(__name__)

BEAT_SECONDS = 5
DEAD_SECONDS = 30


@contextlib.asynccontextmanager
async def taking_over(engine: sa.Engine, jobs: Jobs) -> AsyncIterator[None]:
    """Beat, and look for the dead, for as long as the block runs; an orderly end hands over at once."""

    async def beat() -> None:
        while True:
            try:
                for dead in await asyncio.to_thread(_beat, engine, jobs.executor_id):
                    log.warning("executor %s is gone; its jobs are taken up here", dead)
                    await jobs.take_over(dead)
                    await asyncio.to_thread(_forget, engine, dead)
            except sa.exc.SQLAlchemyError as error:
                log.warning("the shared database did not answer: %s", error)
            await asyncio.sleep(BEAT_SECONDS)

    await asyncio.to_thread(_beat, engine, jobs.executor_id)
    timer = asyncio.create_task(beat())
    try:
        yield
    finally:
        timer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await timer
        with contextlib.suppress(sa.exc.SQLAlchemyError):
            await asyncio.to_thread(_retire, engine, jobs.executor_id)


def _beat(engine: sa.Engine, executor: str) -> list[str]:
    now = time.time()
    with engine.begin() as connection:
        updated = connection.execute(executors.update().where(executors.c.id == executor).values(seen_at=now))
        if updated.rowcount == 0:
            connection.execute(executors.insert().values(id=executor, seen_at=now))
        late = sa.select(executors.c.id).where(executors.c.seen_at < now - DEAD_SECONDS)
        return [row.id for row in connection.execute(late)]


def _forget(engine: sa.Engine, executor: str) -> None:
    with engine.begin() as connection:
        connection.execute(executors.delete().where(executors.c.id == executor))


def _retire(engine: sa.Engine, executor: str) -> None:
    """Leave the row with a beat of long ago, so that the next to look takes the jobs up without waiting."""
    with engine.begin() as connection:
        connection.execute(executors.update().where(executors.c.id == executor).values(seen_at=0.0))
