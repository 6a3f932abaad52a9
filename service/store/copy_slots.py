"""How many copies may read from one host or datastore at a time, so that a backup never becomes the outage.

The queue of each host and datastore is in the shared tables, so it is one queue however many processes there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from service.store.database import InterProcessLock, turns
from service.store.executors import living

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


class CopySlots:
    """Lets the first so many of each key's queue through; `holder` is this process's executor id."""

    def __init__(self, engine: sa.Engine, width: int, holder: str, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._room = InterProcessLock(engine, "turns")
        self._width = width
        self._holder = holder
        self._look_seconds = look_seconds
        self._mine: set[str] = set()
        # One thread, so that what a cancelled look still writes is there before it is tidied away.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="turns")

    @contextlib.asynccontextmanager
    async def turn(self, keys: Iterable[str]) -> AsyncIterator[None]:
        """Queue at every key, wait until it is our turn at all of them, and take it for as long as the block runs.

        First come, first served; since everyone queues at all keys at once, nobody waits for one who waits for him.
        """
        turn, wanted = secrets.token_hex(8), sorted(set(keys))
        self._mine.add(turn)
        try:
            while not await self._look(turn, wanted):  # noqa: ASYNC110  # others give back in other processes
                await asyncio.sleep(self._look_seconds)
            yield
        finally:
            self._mine.discard(turn)
            # A look at no queue only strikes out what is given back.
            await asyncio.shield(self._look(turn, []))

    async def _look(self, turn: str, wanted: list[str]) -> bool:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._is_due, turn, wanted, frozenset(self._mine))
        except sa.exc.SQLAlchemyError as error:
            log.warning("the database did not answer, so nobody's turn is known: %s", error)
            return False

    def _is_due(self, turn: str, wanted: list[str], mine: frozenset[str]) -> bool:
        with self._room.inside() as connection:
            # Of our own, those that nobody here waits with or holds: given back, or of this process's last life.
            left = (turns.c.holder == self._holder) & turns.c.turn.not_in(mine)
            dead = (turns.c.holder != self._holder) & turns.c.holder.not_in(living())
            connection.execute(turns.delete().where(left | dead))
            queued = connection.execute(sa.select(turns).where(turns.c.key.in_(wanted))).all()
            place = next((row.place for row in queued if row.turn == turn), None)
            if place is None:
                place = 1 + max((row.place for row in queued), default=0)
                for key in wanted:
                    values = {"key": key, "place": place, "turn": turn, "holder": self._holder}
                    connection.execute(turns.insert().values(**values))
            return all(sum(row.key == key and row.place < place for row in queued) < self._width for key in wanted)
