"""The processes (executors) that share the database: each sends a heartbeat, and one without a recent one is dead."""

from __future__ import annotations

import time

import sqlalchemy as sa

from service.store.database import executors

BEAT_SECONDS = 5
"""Pause between heartbeats."""
DEAD_SECONDS = 30
"""Age of the last heartbeat from which on an executor counts as dead."""


def beat(engine: sa.Engine, executor: str) -> None:
    """Record a heartbeat of this executor."""
    now = time.time()
    with engine.begin() as connection:
        updated = connection.execute(executors.update().where(executors.c.id == executor).values(seen_at=now))
        if updated.rowcount == 0:
            connection.execute(executors.insert().values(id=executor, seen_at=now))


def living() -> sa.Select[tuple[str]]:
    """A query for the ids of the living executors. One without a row is dead, and its jobs were taken over."""
    return sa.select(executors.c.id).where(executors.c.seen_at >= time.time() - DEAD_SECONDS)


def find_dead(engine: sa.Engine) -> list[str]:
    """The ids of the dead executors whose jobs nobody has taken over yet."""
    with engine.connect() as connection:
        return list(connection.scalars(sa.select(executors.c.id).where(executors.c.id.not_in(living()))))


def forget(engine: sa.Engine, executor: str) -> None:
    """Remove an executor whose jobs were taken over."""
    with engine.begin() as connection:
        connection.execute(executors.delete().where(executors.c.id == executor))


def mark_stopped(engine: sa.Engine, executor: str) -> None:
    """Mark this executor as stopped, so that others take over its jobs without waiting for a missed heartbeat."""
    with engine.begin() as connection:
        connection.execute(executors.update().where(executors.c.id == executor).values(seen_at=0.0))
