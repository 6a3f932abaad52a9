"""A mailbox for one: the newest state of a job waits to be taken, older ones give way."""

from __future__ import annotations

import asyncio

from service.api.client import Job


class Latest:
    """The latest state of a job; one that was not taken in time is replaced by the next."""

    def __init__(self, job: Job | None = None) -> None:
        self._job = job
        self._changed = asyncio.Event()
        self._ended = False
        if job is not None:
            self.put(job)

    def put(self, job: Job) -> None:
        """Replace what waits to be taken."""
        self._job = job
        self._changed.set()

    def put_back(self, job: Job) -> None:
        """Let a state that was taken wait again, unless a newer one does."""
        self.put(self._job or job)

    def end(self) -> None:
        """Say that nothing more comes; what waits can still be taken."""
        self._ended = True
        self._changed.set()

    async def wait(self) -> bool:
        """Wait until a state can be taken; False when none comes any more."""
        await self._changed.wait()
        return self._job is not None

    def take(self) -> Job:
        """The latest state, which then waits no longer; only after `wait` said that there is one."""
        job, self._job = self._job, None
        if not self._ended:
            self._changed.clear()
        if job is None:
            raise LookupError("no state waits to be taken")
        return job
