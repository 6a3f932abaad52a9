"""A run of the P2V checklist: who did, skipped or reopened which step, and when, as immutable values.

The functions neither store anything nor read a clock: each returns a new run, and the caller passes the time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum

from knowledge.errors import NotFound, Unreadable
from knowledge.p2v.checklist import Checklist, checklist
from knowledge.p2v.source import Source

LONGEST_WHO = 200
LONGEST_NOTE = 2000
MOST_MARKS = 5000


class State(StrEnum):
    """The state of a step."""

    OPEN = "open"
    DONE = "done"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """One change in a run: who set which step to which state, and when."""

    item: str
    """The id of the step."""
    state: State
    who: str
    when: str
    """ISO 8601 with its zone."""
    note: str
    """For a skipped step the reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A checklist in progress; ``marks`` is its history, oldest first, and the last mark of a step is its state.

    The checklist is the one from the start of the run, so newer data does not change a run in progress.
    """

    checklist: Checklist
    started_by: str
    started_at: str
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """The progress of a run, in numbers of steps."""

    done: int
    skipped: int
    open: int
    total: int
    finished: bool
    """True when no step is open but optional ones."""
    next: str | None
    """The id of the first open step that is not optional."""


class UnknownItem(NotFound):
    """The checklist of this run has no such step; ``suggestions`` and the message have the most similar ids."""

    def __init__(self, item: str, suggestions: tuple[str, ...]) -> None:
        hint = f"; did you mean {' or '.join(suggestions)}?" if suggestions else ""
        super().__init__(f"there is no step {item[:80]!r} in this run{hint}", suggestions)


class AlreadyDone(Unreadable):
    """A step that is done cannot be skipped; reopen it first."""

    def __init__(self, mark: Mark) -> None:
        super().__init__(f"{mark.item} was done by {mark.who} at {mark.when}; untick it before you skip it")
        self.mark = mark


class InvalidMark(Unreadable):
    """The name, time or note of a mark cannot be used; the message says what to give instead."""


def start(source: Source, who: str, when: datetime) -> Run:
    """Return a new run of the checklist for this source, with every step open; raises InvalidMark."""
    return Run(checklist=checklist(source), started_by=_name(who), started_at=_time(when))


def tick(run: Run, item: str, who: str, when: datetime, note: str = "") -> Run:
    """Return the run with this step done; a step that is done already keeps its first mark.

    Raises UnknownItem or InvalidMark.
    """
    return _marked(run, item, State.DONE, who, when, note)


def untick(run: Run, item: str, who: str, when: datetime, note: str = "") -> Run:
    """Return the run with this step open again; the history remains. Raises UnknownItem or InvalidMark."""
    return _marked(run, item, State.OPEN, who, when, note)


def skip(run: Run, item: str, who: str, when: datetime, reason: str) -> Run:
    """Return the run with this step skipped for a reason; raises ``AlreadyDone``, UnknownItem or InvalidMark."""
    if not reason.strip():
        raise InvalidMark("the reason is missing: say why the step is skipped")
    last = standings(run).get(item)
    if last is not None and last.state is State.DONE:
        raise AlreadyDone(last)
    return _marked(run, item, State.SKIPPED, who, when, reason)


def standings(run: Run) -> dict[str, Mark]:
    """Return the last mark of each marked step, by its id."""
    return {mark.item: mark for mark in run.marks}


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


def _marked(run: Run, item: str, state: State, who: str, when: datetime, note: str) -> Run:
    ids = [known.id for known in run.checklist.items]
    if item not in ids:
        raise UnknownItem(item, tuple(get_close_matches(item[:200], ids, n=3, cutoff=0.5)))
    mark = Mark(item=item, state=state, who=_name(who), when=_time(when), note=_note(note))
    last = standings(run).get(item)
    if state is (last.state if last else State.OPEN):
        return run
    if len(run.marks) >= MOST_MARKS:
        raise InvalidMark(f"this run has {MOST_MARKS} marks already; start a new one")
    return replace(run, marks=(*run.marks, mark))


def _name(who: str) -> str:
    name = " ".join(who.split())
    if not name or len(name) > LONGEST_WHO or not name.isprintable():
        raise InvalidMark(f"give the name of who did it, in 1 to {LONGEST_WHO} printable characters")
    return name


def _note(text: str) -> str:
    note = text.strip()
    if len(note) > LONGEST_NOTE or "\0" in note:
        raise InvalidMark(f"a note can have at most {LONGEST_NOTE} characters")
    return note


def _time(when: datetime) -> str:
    if when.tzinfo is None:
        raise InvalidMark("give the time with its time zone")
    return when.isoformat(timespec="seconds")
