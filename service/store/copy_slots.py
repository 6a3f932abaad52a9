"""Limits how many disks are copied from one host or datastore at a time, so that backups do not overload it.

The queue of each host and datastore is in the shared tables: all processes wait in the same queue.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.store.database import InterProcessLock, copy_queue
from service.store.executors import living

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Pause between looks at the queue."""
OF_JOB = "job:"
"""What the `turn` of a place in the queue begins with; in version 0.1.0, places belonged to processes."""


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
        # One thread: the look of a cancelled job has written its row before `release` removes it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="copy-slots")

    async def take(self, job: str, keys: Iterable[str], *, disks: int, waiting: Callable[[Wait], None]) -> None:
        """Wait until a job may copy `disks` disks at a time, and reserve that for the job until `release`.

        The place in the queue belongs to the job and outlives the process: another call for the same job, perhaps in
        another process after a restart, finds the place that the job had. It gets another place when the keys have
        changed or it asks for more than it has; a job that asks for less keeps its place. `waiting` is called after
        each look with what the job waits for. A job that asks for more than the width of the queues gets the width.
        """
        wanted = sorted(set(keys))
        weight = min(disks, self._width)
        while (wait := await self._look(job, wanted, weight)) is not None:
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

    async def _look(self, job: str, wanted: list[str], weight: int) -> Wait | None:
        """What the job waits for, or None when it has its slots."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._missing, OF_JOB + job, wanted, weight)
        except sa.exc.SQLAlchemyError as error:
            log.warning("the database did not answer, so this copy waits: %s", error)
            return Wait("", [])

    def _missing(self, turn: str, wanted: list[str], weight: int) -> Wait | None:
        """Join the queues where the job has not done so; a queue in which it has no slot yet, or None."""
        with self._lock.acquire() as connection:
            # Places of processes, as version 0.1.0 has them, whose process has ended: no job gives them back.
            ended = (copy_queue.c.holder == self._holder) | copy_queue.c.holder.not_in(living())
            connection.execute(copy_queue.delete().where(copy_queue.c.turn.not_like(f"{OF_JOB}%"), ended))
            own_rows = connection.execute(sa.select(copy_queue).where(copy_queue.c.turn == turn)).all()
            other_keys = sorted(row.key for row in own_rows) != wanted
            if own_rows and (other_keys or any(row.weight < weight for row in own_rows)):
                connection.execute(copy_queue.delete().where(copy_queue.c.turn == turn))
            queued = connection.execute(sa.select(copy_queue).where(copy_queue.c.key.in_(wanted))).all()
            place = next((row.place for row in queued if row.turn == turn), None)
            if place is None:
                place = 1 + max((row.place for row in queued), default=0)
                for key in wanted:
                    values = {"key": key, "place": place, "turn": turn, "holder": self._holder, "weight": weight}
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
