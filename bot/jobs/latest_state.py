"""Holds the newest state of a job for a reader that may be slower than the job."""

from __future__ import annotations

import asyncio

from service.api.client import Job


class LatestState:
    """The latest state of a job. A state that is not taken in time is replaced by the next one."""

    def __init__(self, job: Job | None = None) -> None:
        self._job = job
        self._changed = asyncio.Event()
        self._ended = False
        if job is not None:
            self.put(job)

    def put(self, job: Job) -> None:
        """Replace the state that can be taken."""
        self._job = job
        self._changed.set()

    def put_back(self, job: Job) -> None:
        """Make a state that was taken available again, unless there is a newer one."""
        self.put(self._job or job)

    def end(self) -> None:
        """Mark that no more states come. The last one can still be taken."""
        self._ended = True
        self._changed.set()

    async def wait(self) -> bool:
        """Wait until a state can be taken. False when no more states come."""
        await self._changed.wait()
        return self._job is not None

    def take(self) -> Job:
        """Remove and return the latest state. Raises LookupError when there is none; call `wait` first."""
        job, self._job = self._job, None
        if not self._ended:
            self._changed.clear()
        if job is None:
            raise LookupError("there is no state to take")
        return job
