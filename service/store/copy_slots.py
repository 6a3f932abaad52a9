"""Limits how many copies read from one host or datastore at a time, so that backups do not overload it.

The queue of each host and datastore is in the shared tables: all processes wait in the same queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from service.store.database import InterProcessLock, copy_queue
from service.store.executors import living

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Pause between looks at the queue."""


class CopySlots:
    """Lets the first `width` copies of each queue run; `holder` is the executor id of this process."""

    def __init__(self, engine: sa.Engine, width: int, holder: str, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._lock = InterProcessLock(engine, "turns")
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
            while not await self._look(copy, wanted):  # noqa: ASYNC110  # slots are also freed by other processes
                await asyncio.sleep(self._look_seconds)
            yield
        finally:
            self._active.discard(copy)
            # A look at no queue only removes the rows of ended copies.
            await asyncio.shield(self._look(copy, []))

    async def _look(self, copy: str, wanted: list[str]) -> bool:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._has_slots, copy, wanted, frozenset(self._active))
        except sa.exc.SQLAlchemyError as error:
            log.warning("the database did not answer, so this copy waits: %s", error)
            return False

    def _has_slots(self, copy: str, wanted: list[str], own: frozenset[str]) -> bool:
        """Join the queues where the copy has not done so, and return whether it has a slot of every key."""
        with self._lock.acquire() as connection:
            # Rows of this executor for copies that it does not run: they have ended, or an earlier process had them.
            ended = (copy_queue.c.holder == self._holder) & copy_queue.c.turn.not_in(own)
            dead = (copy_queue.c.holder != self._holder) & copy_queue.c.holder.not_in(living())
            connection.execute(copy_queue.delete().where(ended | dead))
            queued = connection.execute(sa.select(copy_queue).where(copy_queue.c.key.in_(wanted))).all()
            place = next((row.place for row in queued if row.turn == copy), None)
            if place is None:
                place = 1 + max((row.place for row in queued), default=0)
                for key in wanted:
                    values = {"key": key, "place": place, "turn": copy, "holder": self._holder}
                    connection.execute(copy_queue.insert().values(**values))
            return all(sum(row.key == key and row.place < place for row in queued) < self._width for key in wanted)
