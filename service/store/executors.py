"""The processes (executors) that share the database: each sends a heartbeat, and one without a recent one is dead."""

from __future__ import annotations

import time

import sqlalchemy as sa

from service.store.database import executors

BEAT_SECONDS = 5
"""Pause between heartbeats."""
DEAD_SECONDS = 30
"""Age of the last heartbeat from which on an executor counts as dead."""


def beat(engine: sa.Engine, executor: str, job_format: str) -> None:
    """Record a heartbeat of this executor, which runs jobs of this format."""
    now = time.time()
    with engine.begin() as connection:
        updated = connection.execute(executors.update().where(executors.c.id == executor).values(seen_at=now))
        if updated.rowcount == 0:
            connection.execute(executors.insert().values(id=executor, seen_at=now, job_format=job_format))


def living() -> sa.Select[tuple[str]]:
    """A query for the ids of the living executors. One without a row is dead, and its jobs were taken over."""
    return sa.select(executors.c.id).where(executors.c.seen_at >= time.time() - DEAD_SECONDS)


def living_formats(engine: sa.Engine) -> set[str]:
    """The formats of jobs that living executors run."""
    with engine.connect() as connection:
        return set(connection.scalars(sa.select(executors.c.job_format).where(executors.c.id.in_(living()))))


def waiting_formats(engine: sa.Engine) -> set[str]:
    """The formats of the jobs that dead executors left."""
    with engine.connect() as connection:
        return set(connection.scalars(sa.select(executors.c.job_format).where(executors.c.id.not_in(living()))))


def adopt_dead(engine: sa.Engine, former: str, job_format: str) -> None:
    """Let executors of the format `job_format` take over what dead executors of the format `former` left."""
    dead = executors.update().where(executors.c.job_format == former, executors.c.id.not_in(living()))
    with engine.begin() as connection:
        connection.execute(dead.values(job_format=job_format))


def find_dead(engine: sa.Engine, job_format: str) -> list[str]:
    """The ids of dead executors with jobs left, except those that a living executor of their format takes over."""
    theirs = sa.select(executors.c.job_format).where(executors.c.id.in_(living()), executors.c.job_format != job_format)
    dead = sa.select(executors.c.id).where(executors.c.id.not_in(living()), executors.c.job_format.not_in(theirs))
    with engine.connect() as connection:
        return list(connection.scalars(dead))


def forget(engine: sa.Engine, executor: str) -> None:
    """Remove an executor whose jobs were taken over."""
    with engine.begin() as connection:
        connection.execute(executors.delete().where(executors.c.id == executor))


def mark_stopped(engine: sa.Engine, executor: str) -> None:
    """Mark this executor as stopped, so that others take over its jobs without waiting for a missed heartbeat."""
    with engine.begin() as connection:
        connection.execute(executors.update().where(executors.c.id == executor).values(seen_at=0.0))
