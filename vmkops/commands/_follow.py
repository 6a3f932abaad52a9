"""Follows a job on a terminal to its end: its steps, a bar for each file, and what happens when somebody leaves."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterable
from itertools import takewhile
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from service.api.client import Job, JobState, ServiceAway, Step, StepState
from service.api.job_words import job_words, progress_words, state_words, step_state, steps_to_show
from service.api.results import result_words
from service.api.units import done_of, duration
from vmkops.commands import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED
from vmkops.commands._console import client
from vmkops.commands._shown import for_people

BETWEEN_PARTS = "; "
"""What is between the parts of a step in its detail."""
LINE_SECONDS = 30
"""Longest time between two lines of progress where there is no bar."""
LINE_PERCENT = 10
"""So many percent more are worth a line of their own."""


def draws() -> bool:
    """Whether standard error is a terminal on which lines can be drawn again, and nobody asked for plain text."""
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") in ("dumb", "unknown")
    return sys.stderr.isatty() and not plain


def follow_to_end(job: Job, *, patience: float, as_json: bool) -> int:
    """Follow the job, print its result, and return the exit status of the job; 130 after Ctrl-C.

    Raises ServiceAway when the service does not answer for `patience` seconds; the job may go on all the same.
    """
    try:
        ended = asyncio.run(_watch(job.id, patience))
    except KeyboardInterrupt:
        print(f"\nYou no longer follow the {_name(job)}, and the job goes on.", file=sys.stderr)
        _say_how(job.id)
        return EXIT_INTERRUPTED
    except ServiceAway:
        print(f"Nobody knows from here how the {_name(job)} is.", file=sys.stderr)
        _say_how(job.id)
        raise
    return print_end(ended, as_json=as_json)


def print_end(job: Job, *, as_json: bool) -> int:
    """Print how a job that was followed ended, with its result; the exit status is 0 only when it succeeded."""
    if as_json:
        print(job.model_dump_json())
    else:
        print(f"{_name(job)}: {state_words(job)}")
        if job.error:
            lines = [job.error.detail, *(f"  {each}" for each in job.error.suggestions)]
            print(for_people("\n".join(lines)), file=sys.stderr)
        for note in job.notes:
            print(f"Later: {for_people(note)}", file=sys.stderr)
        print(for_people(result_words(job.result or {}, None)), end="")
    return status_of(job)


def print_job(job: Job, *, as_json: bool) -> int:
    """Print everything about a job as it is now; exit 1 when it failed, was cancelled or is only partly done."""
    print(job.model_dump_json() if as_json else for_people(job_words(job, None)), end="\n" if as_json else "")
    return status_of(job)


def status_of(job: Job) -> int:
    """The exit status for a job: 1 when it ended without success."""
    return EXIT_FAILED if job.state.final and job.state.value != "succeeded" else EXIT_DONE


def _name(job: Job) -> str:
    return for_people(f"{job.action} of {job.target}")


def _say_how(job_id: str) -> None:
    print(f"  vmkops jobs {job_id} --watch    follows it again", file=sys.stderr)
    print(f"  vmkops jobs {job_id} --cancel   stops it and cleans up", file=sys.stderr)


def what_now(job: Job) -> str:
    """What a job does now, beside its bar: the step that runs, that it waits, or how it has ended.

    Empty between two steps.
    """
    if job.state is JobState.RUNNING:
        return next((step.name for step in job.steps if step.state is StepState.RUNNING), "")
    return "waits for its turn" if job.state is JobState.QUEUED else state_words(job)


class _Shown(Protocol):
    """Where a job is shown."""

    def show(self, job: Job) -> None:
        """Show the job as it is now."""

    def say(self, line: str) -> None:
        """Print a line that stays."""


async def _watch(job_id: str, patience: float) -> Job:
    last: Job | None = None
    with _Bars() if draws() else _Lines() as shown:
        away = False

        def gone(why: str) -> None:
            nonlocal away
            if not away:
                shown.say(
                    f"The service does not answer: {why}. The job may go on. "
                    f"Asking again every few seconds, for {duration(patience)}."
                )
            away = True

        async with client() as service:
            async for last in service.follow(job_id, patience=patience, gone=gone):
                if away:
                    shown.say("The service answers again.")
                    away = False
                shown.show(last)
    assert last is not None
    return last


class _Steps:
    """The steps of a job as lines: each when it changes, and its success only when its last part is done.

    A step may have parts, such as one for each disk. Between two of them it looks done, so its success is told when a
    later step has begun or the job has ended; then it never runs again. Each line has only the parts that no line
    before it had.
    """

    def __init__(self) -> None:
        self._shown: dict[str, tuple[StepState, str]] = {}
        self._parts: dict[str, list[str]] = {}

    def news(self, job: Job) -> Iterable[str]:
        """A line for each step that has changed since the last time; none for one that waits for its turn."""
        steps = steps_to_show(job)
        begun = [place for place, step in enumerate(steps) if step.state is not StepState.PENDING]
        for place, step in enumerate(steps):
            now = step.state, step.detail if step.state is StepState.RUNNING else ""
            known = self._shown.get(step.name)
            again = step.state in (StepState.RUNNING, StepState.SUCCEEDED)
            if now == known or step.state is StepState.PENDING or (again and known and known[0] is StepState.SUCCEEDED):
                continue
            if step.state is StepState.SUCCEEDED and not job.state.final and place == begun[-1]:
                continue
            self._shown[step.name] = now
            new = self._new_parts(step)
            if new or not step.detail or known is None or known[0] is not step.state:
                yield f"{step_state(step.state):<10} {step.name}{f': {new}' if new else ''}"

    def _new_parts(self, step: Step) -> str:
        parts, told = step.detail.split(BETWEEN_PARTS), self._parts.get(step.name, [])
        self._parts[step.name] = parts
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(parts, told, strict=False)))
        return BETWEEN_PARTS.join(parts[same:])


class _Lines:
    """Plain lines on standard error, with progress at sensible steps."""

    def __init__(self) -> None:
        self._steps = _Steps()
        self._percent, self._at = 0.0, time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, job: Job) -> None:
        """Print the steps that changed, and the progress when there is enough news."""
        for line in self._steps.news(job):
            self.say(line)
        now = job.progress
        if now is None or job.state.final:
            return
        percent = now.percent or 0.0
        if percent < self._percent:  # another step counts from the beginning
            self._percent = 0.0
        if percent - self._percent >= LINE_PERCENT or time.monotonic() - self._at >= LINE_SECONDS:
            self._percent, self._at = percent, time.monotonic()
            self.say(f"{'':<10} {progress_words(now)}")

    def say(self, line: str) -> None:
        """Print a line."""
        print(for_people(line), file=sys.stderr, flush=True)


class _Bars:
    """Bars on a terminal: one for the job, and one for each file where there are several."""

    def __init__(self) -> None:
        self._steps = _Steps()
        self._console = Console(stderr=True, highlight=False)
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[amount]}"))
        self._bars = Progress(*columns, console=self._console, transient=True)
        self._job = self._bars.add_task("", total=None, amount="")
        self._files: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def show(self, job: Job) -> None:
        """Draw the job as it is now, and print the steps that changed."""
        for line in self._steps.news(job):
            self.say(line)
        new: dict[str, Any] = {"description": words} if (words := what_now(job)) else {}
        now = job.progress
        if now:
            new |= {"completed": now.done, "total": now.total, "amount": progress_words(now)}
        self._bars.update(self._job, **new)
        for file in now.files if now else []:
            if file.name not in self._files:
                self._files[file.name] = self._bars.add_task(f"  {for_people(file.name)}", total=file.total, amount="")
            words = done_of(file.done, file.total)
            self._bars.update(self._files[file.name], completed=file.done, total=file.total, amount=words)

    def say(self, line: str) -> None:
        """Print a line above the bars."""
        self._console.print(for_people(line), soft_wrap=True, markup=False)
