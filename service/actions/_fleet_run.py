"""How the jobs of a fleet move on: what to start, what has ended, and what is left out.

Each call of `move` is one recorded step, which returns what happened in it. Nothing else is kept: a process that dies
loses at most one step, and the ids of the jobs make sure that the next process finds those that it had started.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from pydantic import Field

from service.api.models import JobState
from service.api.units import when
from service.backups.pruning import finish_removals, prune_vm
from service.backups.retention import Policy, Series
from service.backups.size import duration
from service.jobs.action import ASKER, CLOSED, Context, Ended, JobControl, Started, StepResult
from service.vsphere.selectors import read_exact

SLICE_SECONDS = 30.0
"""How long one recorded step lasts, at most."""
POLL_SECONDS = 0.5
"""Pause between looks at the jobs."""
RETRY_SECONDS = (60, 300, 900)
"""Pauses before another attempt to start a job while vCenter does not answer, or while another job holds the VM."""
NAMED = 4
"""How many VMs the detail of the step names."""

Group = Literal["done", "skipped", "failed", "too_slow"]
GROUPS: tuple[Group, ...] = ("done", "skipped", "failed", "too_slow")
GROUP_OF: dict[str, Group] = {"window": "too_slow", ASKER: "skipped"}
"""Where a VM belongs whose job this rule refused; with any other rule, its job failed."""


class FleetVm(NamedTuple):
    """One VM: its exact selector, and its name."""

    selector: str
    name: str


class Outcome(NamedTuple):
    """What came of one VM; `partly` when its job is only partly done."""

    number: int
    group: Group
    why: str = ""
    partly: bool = False
    pruned: int = 0


class Moved(StepResult):
    """What happened in one step, by the numbers of the VMs in the selection."""

    started: list[tuple[int, str, bool]] = Field(default_factory=list)
    """The number, the id of the job, and whether another request had started it."""
    ended: list[Outcome] = Field(default_factory=list)


class Fleet:
    """The VMs of one parent job, and what has become of each."""

    def __init__(
        self,
        context: Context,
        job: JobControl,
        *,
        vms: list[FleetVm],
        action: str,
        params_for: Callable[[str], dict[str, Any]],
        closes: datetime | None,
        at_once: int,
        policy: Policy | None,
        series: Series,
    ) -> None:
        """`series` is which of the backups of a VM the policy is about."""
        self._context = context
        self._job = job
        self._vms = vms
        self._action = action
        self._params_for = params_for
        self._closes = closes
        self._at_once = at_once
        self._policy, self._series = policy, series
        self._waiting = list(range(len(vms)))
        self._jobs: dict[int, str] = {}
        self._joined: set[int] = set()
        self._outcomes: dict[int, Outcome] = {}
        self._attempts: dict[int, tuple[int, float]] = {}

    @property
    def over(self) -> bool:
        """Whether there is an outcome for each VM."""
        return len(self._outcomes) == len(self._vms)

    @property
    def partly(self) -> bool:
        """Whether a job is only partly done."""
        return any(each.partly for each in self._outcomes.values())

    @property
    def pruned(self) -> int:
        """How many old backups were removed."""
        return sum(each.pruned for each in self._outcomes.values())

    def take(self, moved: Moved) -> None:
        """Add what a recorded step did."""
        for number, job, joined in moved.started:
            self._jobs[number] = job
            if joined:
                self._joined.add(number)
        self._outcomes |= {each.number: each for each in moved.ended}
        gone = {number for number, _, _ in moved.started} | self._outcomes.keys()
        self._waiting = [number for number in self._waiting if number not in gone]

    def report(self) -> dict[str, list[dict[str, str]]]:
        """The VMs by what came of them, in the order of the selection."""
        return {
            group: [self._line(number) for number in sorted(self._outcomes) if self._outcomes[number].group == group]
            for group in GROUPS
        }

    async def move(self) -> Moved:
        """Start what may start, and look at what has ended, for half a minute or until all is over."""
        moved = Moved()
        waiting = list(self._waiting)
        live = {number: job for number, job in self._jobs.items() if number not in self._outcomes}
        stop = time.monotonic() + SLICE_SECONDS
        while True:
            self._show(len(moved.ended), live)
            ended = await self._job.children.ended(live.values())
            found = [(number, ended[job]) for number, job in live.items() if job in ended]
            for number, how in found:
                moved.ended.append(await self._outcome(number, how))
                del live[number]
            if self._closed():
                moved.ended.extend(map(self._too_late, waiting))
                waiting.clear()
            due = [number for number in waiting if self._due(number)][: self._at_once - len(live)]
            for number, started in zip(due, await asyncio.gather(*map(self._start, due)), strict=True):
                if started.job:
                    live[number] = started.job
                    moved.started.append((number, started.job, started.joined))
                elif started.rule == CLOSED:
                    moved.ended.append(self._too_late(number))
                elif started.later and self._try_again(number):
                    continue
                else:
                    moved.ended.append(Outcome(number, GROUP_OF.get(started.rule, "failed"), started.why))
                waiting.remove(number)
            if not (waiting or live) and self._policy is not None:
                await finish_removals(self._context.settings)  # stores that other backups of the fleet used until now
            if not (waiting or live) or time.monotonic() > stop:
                self._show(len(moved.ended), live)
                return moved
            if not (found or due):
                await self._job.interruptible(lambda: self._wait(live, waiting, stop))

    async def _start(self, number: int) -> Started:
        params = self._params_for(self._vms[number].selector)
        return await self._job.children.start(number, self._action, params, self._closes)

    def _too_late(self, number: int) -> Outcome:
        return Outcome(number, "skipped", f"The window closed at {when(self._closes)}.")

    async def _wait(self, live: dict[int, str], waiting: list[int], stop: float) -> None:
        """Wait until something can have changed."""
        while time.monotonic() <= stop and not (waiting and self._closed()):
            await asyncio.sleep(POLL_SECONDS)
            if await self._job.children.ended(live.values()):
                return
            if len(live) < self._at_once and any(map(self._due, waiting)):
                return

    async def _outcome(self, number: int, how: Ended) -> Outcome:
        if how.state not in (JobState.SUCCEEDED, JobState.PARTIAL):
            return Outcome(number, "failed", how.why)
        partly = how.state is JobState.PARTIAL
        why = (how.why or "Only partly done: its job says what is left.") if partly else ""
        pruned = 0 if partly else await self._prune(self._vms[number])
        if self._closes and how.at > self._closes:
            late = f"Done, but {duration(how.at - self._closes)} after the window had closed."
            return Outcome(number, "too_slow", " ".join(filter(None, [late, why])), partly=partly, pruned=pruned)
        return Outcome(number, "done", why, partly=partly, pruned=pruned)

    async def _prune(self, vm: FleetVm) -> int:
        if self._policy is None:
            return 0
        vcenter, moref = read_exact(vm.selector)
        settings = self._context.settings
        return len(await prune_vm(settings, vm.name, vcenter, moref, self._policy, self._series))

    def _closed(self) -> bool:
        return self._closes is not None and datetime.now(UTC) >= self._closes

    def _due(self, number: int) -> bool:
        return number not in self._attempts or self._attempts[number][1] <= time.monotonic()

    def _try_again(self, number: int) -> bool:
        """Note the failed attempt; False when it was the last one."""
        failed = self._attempts.get(number, (0, 0.0))[0]
        if failed >= len(RETRY_SECONDS):
            return False
        self._attempts[number] = failed + 1, time.monotonic() + RETRY_SECONDS[failed]
        return True

    def _show(self, newly: int, live: dict[int, str]) -> None:
        done = len(self._outcomes) + newly
        self._job.report(done, len(self._vms), "VMs")
        names = ", ".join(map(self._shown, list(live)[:NAMED]))
        more = f" and {len(live) - NAMED} more" if len(live) > NAMED else ""
        running = f"; running: {names}{more}" if live else ""
        self._job.say(f"{done} of {len(self._vms)} VMs{running}")

    def _shown(self, number: int) -> str:
        """The name of a VM for people, such as `prod/web-01` when there are several vCenters."""
        vm = self._vms[number]
        return self._context.vcenters.shown(read_exact(vm.selector)[0], vm.name)

    def _line(self, number: int) -> dict[str, str]:
        vm, why = self._vms[number], self._outcomes[number].why
        joined = "It joined a job that was already under way." if number in self._joined else ""
        why = " ".join(filter(None, [why, joined]))
        return {"vm": self._shown(number), "selector": vm.selector, "job": self._jobs.get(number, ""), "why": why}
