"""How many backups may read from one host or datastore at a time, so that a backup never becomes the outage."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable


class Turnstile:
    """Lets so many through for each key at a time, within this process."""

    def __init__(self, width: int) -> None:
        self._gates: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(width))

    @contextlib.asynccontextmanager
    async def turn(self, keys: Iterable[str]) -> AsyncIterator[None]:
        """Wait until every key has room, and take it for as long as the block runs."""
        async with contextlib.AsyncExitStack() as taken:
            # Always in the same order, or two could each hold what the other waits for.
            for key in sorted(set(keys)):
                await taken.enter_async_context(self._gates[key])
            yield
