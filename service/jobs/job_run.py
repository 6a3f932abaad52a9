"""The engine's side of a running action: records steps, publishes progress, and notices a cancel."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from dbos import DBOS

from service.api.models import FileProgress
from service.background import JOB_CANCELLED, end_because
from service.errors import JobCancelled, VSphereUnavailable
from service.jobs.action import Children, StepResult
from service.jobs.precedence import REQUESTS
from service.retry import retry as call_again
from service.vsphere.questions import reporting

R = TypeVar("R")
S = TypeVar("S", bound=StepResult)

NOW = "now"
"""The event with the step under way: `step`, `part`, `at`, when it began, and perhaps `detail`, what it does or waits
for. The engine records finished steps."""
PROGRESS = "progress"
"""The event with the progress of the step under way; see `progress`."""
CANCELLED_BY = "cancelled_by"
"""The attribute of a job with the name of who cancelled it."""
PERCENT = "percent"
"""The unit of the progress of vSphere tasks."""
RETRY_SECONDS = 60.0
"""How long a step is repeated while vCenter does not answer."""
TICK_SECONDS = 1.0
"""How often progress is published and a cancel is looked for."""
RATE_TICKS = 15
"""How many of the last ticks the rate is computed from."""


class JobRun:
    """One job that runs in this process; implements `JobControl`."""

    def __init__(self, job_id: str, requested_by: str, token: str, children: Children) -> None:
        self.job_id = job_id
        self.children = children
        self.requested_by = requested_by
        self.token = token
        self._done: tuple[int, int | None] | None = None
        self._files: Sequence[FileProgress] = ()
        self._unit = ""
        self._delta: int | None = None
        self._now: dict[str, str] = {}
        self._shown: dict[str, str] = {}
        self._history: deque[tuple[float, int]] = deque()

    async def step(
        self,
        name: str,
        do: Callable[[], Awaitable[R]],
        *,
        part: str = "",
        cleanup: bool = False,
        interruptible: bool = False,
        retry: bool = True,
    ) -> R:
        """See `JobControl.step`."""

        async def attempt() -> R:
            # A cancel is looked for inside of a step only, so that a replay of the record comes to the same result.
            if not cleanup:
                await self._raise_if_cancelled()
            return await self._run(do, interruptible=interruptible)

        async def recorded() -> R:
            now = {"step": name, "part": part, "at": datetime.now(UTC).isoformat()}
            self._now = self._shown = now
            await DBOS.set_event_async(NOW, now)
            self._done = None  # progress of the step before
            return await call_again(attempt, seconds=RETRY_SECONDS if retry else 0, of=VSphereUnavailable)

        if not cleanup:
            await REQUESTS.calm()
        return await DBOS.run_step_async({"name": f"{name}: {part}" if part else name}, recorded)

    async def step_as(
        self,
        result: type[S],
        name: str,
        do: Callable[[], Awaitable[S]],
        *,
        part: str = "",
        cleanup: bool = False,
        interruptible: bool = False,
    ) -> S:
        """See `JobControl.step_as`."""

        async def dumped() -> dict[str, Any]:
            return (await do()).model_dump(mode="json")

        recorded = await self.step(name, dumped, part=part, cleanup=cleanup, interruptible=interruptible)
        return result.model_validate(recorded)

    def report(self, done: int, total: int | None, unit: str = "bytes", files: Sequence[FileProgress] = ()) -> None:
        """See `JobControl.report`."""
        if unit != self._unit:
            self._unit = unit
            self._history = deque([(time.monotonic(), done)], RATE_TICKS)
        self._done, self._files = (done, total), files

    def percent(self, done: int) -> None:
        """See `JobControl.percent`."""
        self.report(done, 100, PERCENT)

    def grown(self, size: int) -> None:
        """See `JobControl.grown`."""
        self._delta = size

    def say(self, detail: str) -> None:
        """See `JobControl.say`."""
        self._now = {**self._now, "detail": detail}

    async def stop_if_cancelled(self) -> None:
        """See `JobControl.stop_if_cancelled`."""
        await self._raise_if_cancelled()

    async def interruptible(self, do: Callable[[], Awaitable[R]]) -> R:
        """See `JobControl.interruptible`."""
        return await self._run(do, interruptible=True)

    async def _run(self, do: Callable[[], Awaitable[R]], *, interruptible: bool) -> R:
        with reporting(self.say):
            work = asyncio.ensure_future(do())
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=TICK_SECONDS)
                await self._publish_progress()
                if interruptible and not work.done():
                    await self._raise_if_cancelled()
            return work.result()
        except BaseException as error:
            await end_because(error, work, JOB_CANCELLED if isinstance(error, JobCancelled) else None)
            raise

    async def _raise_if_cancelled(self) -> None:
        found = await DBOS.list_workflows_async(workflow_ids=[self.job_id], load_input=False, load_output=False)
        who = (found[0].attributes or {}).get(CANCELLED_BY) if found else None
        if who:
            raise JobCancelled(f"Cancelled by {who}.")

    async def _publish_progress(self) -> None:
        if self._now != self._shown:
            self._shown = self._now
            await DBOS.set_event_async(NOW, self._shown)
        if self._done is None:
            return
        (done, total), history = self._done, self._history
        history.append((time.monotonic(), done))
        now = progress(done, total, self._unit, list(history))
        files = [file.model_dump() for file in self._files]
        await DBOS.set_event_async(PROGRESS, now | {"delta": self._delta, "files": files})


def progress(done: int, total: int | None, unit: str, history: list[tuple[float, int]]) -> dict[str, Any]:
    """The value of the event PROGRESS, with the fields of `service.api.models.Progress`; those not known are None.

    `rate` is in bytes per second over the `history`, pairs of a time in seconds and what was done then. It is None for
    what counts in percent, VMs or seconds; `eta_seconds` is computed from it all the same.
    """
    (first_at, first_done), (last_at, last_done) = history[0], history[-1]
    seconds = last_at - first_at
    rate = max(0.0, (last_done - first_done) / seconds) if seconds > 0 else None
    left = (total - done) / rate if total and rate else None
    percent = min(100.0, 100 * done / total) if total else None
    shown = rate if unit == "bytes" else None
    return {"done": done, "total": total, "unit": unit, "percent": percent, "rate": shown, "eta_seconds": left}
