"""How much one client may ask: requests a minute, failed sign-ins, and calls with a body at a time."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from service.api.words import counted
from service.errors import TooManyRequests

BODIES = 16
"""How many calls with a body one client may have at a time; more of them wait."""
WAIT_SECONDS = 30
"""How long a call with a body waits for its turn."""
FAILED_SIGN_INS = 30
"""How many requests with an unknown token one address may make in a minute."""


class Limits:
    """Counts what each client asks. A client is a token, or an address without one. Made and used in one event loop."""

    def __init__(self, rate_limit: int, processes: int) -> None:
        """`rate_limit` is the number of requests in a minute; 0 means no limit.

        `processes` is the number of parser processes: one client never has all of them, unless there is only one.
        """
        self._files = max(1, processes - 1)
        # The library's storage for threads would start a thread for each request.
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._all = RateLimitItemPerMinute(rate_limit) if rate_limit else None
        self._failed = RateLimitItemPerMinute(FAILED_SIGN_INS)
        self._turns: dict[str, tuple[asyncio.Semaphore, list[None]]] = {}

    async def count(self, client: str) -> None:
        """Count a request of this client; raises TooManyRequests when they are too many."""
        if self._all is not None:
            await self._hit(self._all, "all", client)

    async def count_failed(self, address: str) -> None:
        """Count a failed sign-in from this address; raises TooManyRequests when they are too many."""
        await self._hit(self._failed, "failed", address)

    @contextlib.asynccontextmanager
    async def turn(self, client: str, *, file: bool) -> AsyncIterator[None]:
        """Wait for the client's turn for a call with a body or, for a parser process, a `file`; hold it in the block.

        Raises TooManyRequests when it does not come within WAIT_SECONDS.
        """
        most = self._files if file else BODIES
        name = f"{client} {most}"
        semaphore, users = self._turns.setdefault(name, (asyncio.Semaphore(most), []))
        users.append(None)
        try:
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    await semaphore.acquire()
            except TimeoutError:
                detail = (
                    f"You have {counted(most, 'call')} with a body under way. Send the next one when one has ended."
                )
                raise TooManyRequests(detail, retry_after=5) from None
            try:
                yield
            finally:
                semaphore.release()
        finally:
            users.pop()
            if not users:
                del self._turns[name]

    async def _hit(self, item: RateLimitItemPerMinute, kind: str, client: str) -> None:
        if await self._limiter.hit(item, kind, client):
            return
        reset = (await self._limiter.get_window_stats(item, kind, client)).reset_time
        seconds = max(1, math.ceil(reset - time.time()))
        what = "requests" if kind == "all" else "requests with an unknown token"
        raise TooManyRequests(f"More than {item.amount} {what} in a minute. Try again later.", retry_after=seconds)
