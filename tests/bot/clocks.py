"""Clocks for tests, so that no test waits for real time to pass."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from bot.jobs.updates import Clock

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


class HurriedClock:
    """A clock on which every wait ends at once; it records how long each wait would have been."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    @property
    def clock(self) -> Clock:
        return Clock(monotonic=self.monotonic, sleep=self.sleep, now=self.now)


class StoppedClock(HurriedClock):
    """A clock on which a wait ends only when the test releases it."""

    def __init__(self) -> None:
        super().__init__()
        self._waits = asyncio.Condition()
        self._released = 0

    async def sleep(self, seconds: float) -> None:
        async with self._waits:
            self.slept.append(seconds)
            mine = len(self.slept)
            self._waits.notify_all()
            await self._waits.wait_for(lambda: self._released >= mine)
            self.seconds += seconds

    async def waits(self, count: int) -> None:
        """Wait until the code under test has started its count-th wait."""
        async with self._waits:
            await self._waits.wait_for(lambda: len(self.slept) >= count)

    async def release(self) -> None:
        """End every wait that has started."""
        async with self._waits:
            self._released = len(self.slept)
            self._waits.notify_all()
