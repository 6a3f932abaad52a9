"""Ends a transfer that stands still, judged by its lease: a host may send nothing for minutes and be well."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from service.background import running
from service.errors import VmkopsError

LOOK_SECONDS = 120.0
"""After so long without a byte, the lease is looked at. Before a host sends anything, it may read large zeroed regions
of a disk, which become a few bytes."""
LIMIT_SECONDS = 900.0
"""After so long without a byte, a transfer has failed, whatever its lease says; three times a lease's own time-out."""


class Stall:
    """Watches over one transfer; call `moved` at each progress. `alive` says whether the lease can still be used."""

    def __init__(
        self, alive: Callable[[], Awaitable[bool]], *, look: float = LOOK_SECONDS, limit: float = LIMIT_SECONDS
    ) -> None:
        self._alive = alive
        self._look = look
        self._limit = limit
        self._moved = 0.0

    def moved(self) -> None:
        """Note that bytes have passed."""
        self._moved = asyncio.get_running_loop().time()

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Cancel the block and raise TimeoutError, with the reason, once the transfer has failed."""
        self.moved()
        reason = ""

        async def watch(limit: asyncio.Timeout) -> None:
            nonlocal reason
            while not (reason := await self._failure()):  # noqa: ASYNC110  # nothing tells of bytes that do not come
                await asyncio.sleep(self._look - self._quiet() % self._look)
            limit.reschedule(asyncio.get_running_loop().time())

        try:
            async with asyncio.timeout(None) as limit, running(watch(limit)):
                yield
        except TimeoutError as error:
            raise TimeoutError(reason or str(error)) from error

    def _quiet(self) -> float:
        return asyncio.get_running_loop().time() - self._moved

    async def _failure(self) -> str:
        """Why the transfer has failed; empty when it has not."""
        quiet = self._quiet()
        if quiet >= self._limit:
            return f"no data for {quiet:.0f} seconds"
        if quiet < self._look:
            return ""
        with contextlib.suppress(VmkopsError):  # a vCenter that does not answer says nothing about the host
            if not await self._alive():
                return f"no data for {quiet:.0f} seconds, and the lease has ended"
        return ""
