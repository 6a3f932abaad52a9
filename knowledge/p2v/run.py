"""A run of the P2V checklist: who did, skipped or reopened which step, and when, as immutable values.

The functions neither store anything nor read a clock: each returns a new run, and the caller passes the time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from knowledge.p2v.checklist import Checklist, checklist
from knowledge.p2v.source import Source
from knowledge.runs import marks as run_marks
from knowledge.runs.marks import (
    LONGEST_NOTE,
    LONGEST_WHO,
    MOST_MARKS,
    AlreadyDone,
    InvalidMark,
    Mark,
    State,
    UnknownItem,
    checked_name,
    checked_time,
    marked,
)

__all__ = [
    "LONGEST_NOTE",
    "LONGEST_WHO",
    "MOST_MARKS",
    "AlreadyDone",
    "InvalidMark",
    "Mark",
    "Progress",
    "Run",
    "State",
    "UnknownItem",
    "progress",
    "skip",
    "standings",
    "start",
    "tick",
    "untick",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A checklist in progress; ``marks`` is its history, oldest first.

    The checklist is the one from the start of the run, so newer data does not change a run in progress.
    """

    checklist: Checklist
    started_by: str
    started_at: str
    marks: tuple[Mark, ...] = ()
    started_token: str = ""
    """The name of the token that the run was started with; empty when it is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress(run_marks.Progress):
    """The progress of a run, in numbers of steps; an optional step can stay open in a finished run."""


def start(source: Source, who: str, when: datetime, token: str = "") -> Run:
    """Return a new run of the checklist for this source, with every step open; raises InvalidMark."""
    return Run(
        checklist=checklist(source),
        started_by=checked_name(who),
        started_at=checked_time(when),
        started_token=token,
    )


def tick(run: Run, item: str, who: str, when: datetime, note: str = "", token: str = "") -> Run:
    """Return the run with this step done; a step that is done already keeps its first mark.

    Raises UnknownItem or InvalidMark.
    """
    return _marked(run, item, State.DONE, who, when, note, token)


def untick(run: Run, item: str, who: str, when: datetime, note: str = "", token: str = "") -> Run:
    """Return the run with this step open again; the history remains. Raises UnknownItem or InvalidMark."""
    return _marked(run, item, State.OPEN, who, when, note, token)


def skip(run: Run, item: str, who: str, when: datetime, reason: str, token: str = "") -> Run:
    """Return the run with this step skipped for a reason; raises ``AlreadyDone``, UnknownItem or InvalidMark."""
    return _marked(run, item, State.SKIPPED, who, when, reason, token)


def standings(run: Run) -> dict[str, Mark]:
    """Return, by the id of each marked step, the mark that brought it to its state."""
    return run_marks.standings(run.marks)


def progress(run: Run) -> Progress:
    """Return the progress of the run."""
    last = standings(run)
    states = {item.id: last[item.id].state if item.id in last else State.OPEN for item in run.checklist.items}
    required = [item.id for item in run.checklist.items if not item.optional and states[item.id] is State.OPEN]
    counts = list(states.values())
    return Progress(
        done=counts.count(State.DONE),
        skipped=counts.count(State.SKIPPED),
        open=counts.count(State.OPEN),
        total=len(counts),
        finished=not required,
        next=required[0] if required else None,
    )


def _marked(run: Run, item: str, state: State, who: str, when: datetime, note: str, token: str) -> Run:
    titles = {known.id: known.title for known in run.checklist.items}
    changed = marked(run.marks, titles, item, state, who=who, when=when, note=note, token=token)
    return run if changed is run.marks else replace(run, marks=changed)
