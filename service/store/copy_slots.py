"""Limits how many disks are copied from one host or datastore at a time, so that backups do not overload it.

The queue of each host and datastore is in the shared tables: all processes wait in the same queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.store.database import InterProcessLock, copy_queue
from service.store.executors import living

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Pause between looks at the queue."""
OF_JOB = "job:"
"""What the `turn` of a place in the queue begins with when the place belongs to a job, and not to a process."""


class Wait(NamedTuple):
    """What a job waits for: the key of a full queue, and the jobs before it in that queue, the first one first."""

    key: str
    before: list[str]


class CopySlots:
    """Lets the first `width` copies of each queue run; `holder` is the executor id of this process."""

    def __init__(self, engine: sa.Engine, width: int, holder: str, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._lock = InterProcessLock(engine, "turns")
        self._engine = engine
        self._width = width
        self._holder = holder
        self._look_seconds = look_seconds
        self._active: set[str] = set()
        # One thread: the look of a cancelled copy has written its row before the next look removes it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="copy-slots")

    @contextlib.asynccontextmanager
    async def slot(self, keys: Iterable[str]) -> AsyncIterator[None]:
        """Wait for a free slot of every key, such as `host:host-9`, and hold the slots while the block runs.

        First come, first served. A copy joins all of its queues at once, so that no two copies wait for each other.
        """
        copy, wanted = secrets.token_hex(8), sorted(set(keys))
        self._active.add(copy)
        try:
            while await self._look(copy, wanted):  # noqa: ASYNC110  # slots are also freed by other processes
                await asyncio.sleep(self._look_seconds)
            yield
        finally:
            self._active.discard(copy)
            # A look at no queue only removes the rows of ended copies.
            await asyncio.shield(self._look(copy, []))

    async def take(self, job: str, keys: Iterable[str], *, disks: int, waiting: Callable[[Wait], None]) -> None:
        """Wait until a job may copy `disks` disks at a time, and reserve that for the job until `release`.

        The place in the queue belongs to the job and outlives the process: another call for the same job, perhaps in
        another process after a restart, finds the place that the job had. It gets another place when the keys have
        changed or it asks for more than it has; a job that asks for less keeps its place. `waiting` is called after
        each look with what the job waits for. A job that asks for more than the width of the queues gets the width.
        """
        wanted = sorted(set(keys))
        weight = min(disks, self._width)
        while (wait := await self._look(OF_JOB + job, wanted, weight)) is not None:
            waiting(wait)
            await asyncio.sleep(self._look_seconds)

    async def release(self, job: str) -> None:
        """Give back what the job has reserved or waits for; does nothing when there is nothing."""
        loop = asyncio.get_running_loop()
        try:
            await asyncio.shield(loop.run_in_executor(self._thread, self._delete, OF_JOB + job))
        except sa.exc.SQLAlchemyError as error:  # the reaper does it later
            log.warning("the copy slots of a job could not be released yet: %s", error, extra={"job": job})

    async def jobs(self) -> list[str]:
        """The ids of the jobs that have a place in a queue."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._jobs)

    async def _look(self, copy: str, wanted: list[str], weight: int = 1) -> Wait | None:
        """What the copy waits for, or None when it has its slots."""
        loop = asyncio.get_running_loop()
        active = frozenset(self._active)
        try:
            return await loop.run_in_executor(self._thread, self._missing, copy, wanted, weight, active)
        except sa.exc.SQLAlchemyError as error:
            log.warning("the database did not answer, so this copy waits: %s", error)
            return Wait("", [])

    def _missing(self, copy: str, wanted: list[str], weight: int, own: frozenset[str]) -> Wait | None:
        """Join the queues where the copy has not done so; a queue in which it has no slot yet, or None."""
        with self._lock.acquire() as connection:
            # Rows of this executor for copies that it does not run: they have ended, or an earlier process had them.
            ended = (copy_queue.c.holder == self._holder) & copy_queue.c.turn.not_in(own)
            dead = (copy_queue.c.holder != self._holder) & copy_queue.c.holder.not_in(living())
            of_process = copy_queue.c.turn.not_like(f"{OF_JOB}%")
            connection.execute(copy_queue.delete().where(of_process, ended | dead))
            own_rows = connection.execute(sa.select(copy_queue).where(copy_queue.c.turn == copy)).all()
            other_keys = sorted(row.key for row in own_rows) != wanted
            if own_rows and (other_keys or any(row.weight < weight for row in own_rows)):
                connection.execute(copy_queue.delete().where(copy_queue.c.turn == copy))
            queued = connection.execute(sa.select(copy_queue).where(copy_queue.c.key.in_(wanted))).all()
            place = next((row.place for row in queued if row.turn == copy), None)
            if place is None:
                place = 1 + max((row.place for row in queued), default=0)
                for key in wanted:
                    values = {"key": key, "place": place, "turn": copy, "holder": self._holder, "weight": weight}
                    connection.execute(copy_queue.insert().values(**values))
            return next((wait for key in wanted if (wait := self._wait(queued, key, place, weight))), None)

    def _wait(self, queued: Sequence[Any], key: str, place: int, weight: int) -> Wait | None:
        before = sorted((row for row in queued if row.key == key and row.place < place), key=lambda row: row.place)
        if not before or sum(row.weight for row in before) + weight <= self._width:
            return None
        return Wait(key, [row.turn.removeprefix(OF_JOB) for row in before if row.turn.startswith(OF_JOB)])

    def _delete(self, turn: str) -> None:
        with self._lock.acquire() as connection:
            connection.execute(copy_queue.delete().where(copy_queue.c.turn == turn))

    def _jobs(self) -> list[str]:
        of_jobs = sa.select(copy_queue.c.turn).where(copy_queue.c.turn.like(f"{OF_JOB}%")).distinct()
        with self._engine.connect() as connection:
            return [turn.removeprefix(OF_JOB) for turn in connection.scalars(of_jobs)]
