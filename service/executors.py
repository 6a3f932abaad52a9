"""Which processes share the database: each says every few seconds that it lives, and one that is silent is dead."""

from __future__ import annotations

import time

import sqlalchemy as sa

from service.database import executors

BEAT_SECONDS = 5
DEAD_SECONDS = 30


def beat(engine: sa.Engine, executor: str, job_format: str) -> None:
    """Say that this executor lives, and runs jobs of this format."""
    now = time.time()
    with engine.begin() as connection:
        updated = connection.execute(executors.update().where(executors.c.id == executor).values(seen_at=now))
        if updated.rowcount == 0:
            connection.execute(executors.insert().values(id=executor, seen_at=now, job_format=job_format))


def living() -> sa.Select[tuple[str]]:
    """Selects the ids of those that live; an executor without a row is dead and forgotten."""
    return sa.select(executors.c.id).where(executors.c.seen_at >= time.time() - DEAD_SECONDS)


def living_formats(engine: sa.Engine) -> set[str]:
    """The formats of jobs that any living executor runs."""
    with engine.connect() as connection:
        return set(connection.scalars(sa.select(executors.c.job_format).where(executors.c.id.in_(living()))))


def find_dead(engine: sa.Engine, job_format: str) -> list[str]:
    """Those that have died and are not forgotten, except for those whose jobs only others that live can take up."""
    theirs = sa.select(executors.c.job_format).where(executors.c.id.in_(living()), executors.c.job_format != job_format)
    dead = sa.select(executors.c.id).where(executors.c.id.not_in(living()), executors.c.job_format.not_in(theirs))
    with engine.connect() as connection:
        return list(connection.scalars(dead))


def forget(engine: sa.Engine, executor: str) -> None:
    """Strike out one whose jobs were taken up."""
    with engine.begin() as connection:
        connection.execute(executors.delete().where(executors.c.id == executor))


def retire(engine: sa.Engine, executor: str) -> None:
    """Be dead at once: whoever looks next takes the jobs up without waiting."""
    with engine.begin() as connection:
        connection.execute(executors.update().where(executors.c.id == executor).values(seen_at=0.0))
