"""A run of a written procedure, as immutable values: its steps as they were at the start, and their marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from knowledge.errors import Unreadable
from knowledge.procedure_store.live_blocks import filled_body
from knowledge.procedure_store.placeholders import TARGETS
from knowledge.procedure_store.procedure import Page
from knowledge.runs.items import Item, item_count, procedure_items, section_text
from knowledge.runs.marks import Mark, Progress, State, attributed, checked_name, checked_time, marked, standings

LONGEST_TARGET = 255
LONGEST_INCIDENT = 300
MOST_ITEMS = 500


class InvalidRun(Unreadable):
    """The run cannot be started; the message says what to change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcedureRun:
    """A procedure in progress; ``marks`` is its history, oldest first.

    The items are those from the start of the run, so a later edit of the page does not change a run in progress.
    """

    procedure: str
    """The slug of the page."""
    title: str
    targets: Mapping[str, str]
    """What the run is about, by ``vm``, ``host`` and ``datastore``; only those that were given."""
    incident: str
    """The reference of the incident: a number or an address; may be empty."""
    before: str
    """What to know before the steps: the section of this name, as Markdown."""
    items: tuple[Item, ...]
    started_by: str
    started_at: str
    """ISO 8601 with its zone."""
    marks: tuple[Mark, ...] = ()
    started_token: str = ""
    """The name of the token that the run was started with; empty when it is not known."""
    by: str = ""
    """The name that the person who started it gave, which nobody checked; empty without one."""

    @property
    def starter(self) -> str:
        """Who started it, and with which token, for people."""
        return attributed(self.started_by, self.started_token, self.by)


def start(
    page: Page,
    targets: Mapping[str, str],
    incident: str,
    who: str,
    when: datetime,
    *,
    token: str = "",
    by: str = "",
) -> ProcedureRun:
    """Return a new run of the page, with every step open and the targets filled in in its commands.

    A target need not exist: the VM may be what is lost. Raises InvalidRun or InvalidMark.
    """
    given = {name: _line(targets.get(name, ""), LONGEST_TARGET, name) for name in TARGETS}
    given = {name: value for name, value in given.items() if value}
    if (count := item_count(page.body)) > MOST_ITEMS:
        raise InvalidRun(f"the page has {count:,} steps; a run can have at most {MOST_ITEMS}: split the page")
    body = filled_body(page.body, given, lambda _: "")
    return ProcedureRun(
        procedure=page.slug,
        title=page.title,
        targets=given,
        incident=_line(incident, LONGEST_INCIDENT, "incident"),
        before=section_text(body, "Before"),
        items=procedure_items(body),
        started_by=checked_name(who),
        started_at=checked_time(when),
        by=checked_name(by) if by.strip() else "",
        started_token=token,
    )


def mark(
    run: ProcedureRun,
    item: str,
    state: State | None,
    *,
    who: str,
    when: datetime,
    note: str,
    token: str = "",
    by: str = "",
) -> ProcedureRun:
    """Return the run with this step in this state; without a state, with a note on the step as it is.

    A step that has the state already keeps its mark. Raises UnknownItem, AlreadyDone or InvalidMark.
    """
    titles = {known.id: known.title for known in run.items}
    changed = marked(run.marks, titles, item, state, who=who, when=when, note=note, token=token, by=by)
    return run if changed is run.marks else replace(run, marks=changed)


def progress(run: ProcedureRun) -> Progress:
    """Return the progress of the run."""
    last = standings(run.marks)
    states = {item.id: last[item.id].state if item.id in last else State.OPEN for item in run.items}
    opened = [item for item, state in states.items() if state is State.OPEN]
    counts = list(states.values())
    return Progress(
        done=counts.count(State.DONE),
        skipped=counts.count(State.SKIPPED),
        open=len(opened),
        total=len(counts),
        finished=not opened,
        next=opened[0] if opened else None,
    )


def _line(text: str, longest: int, name: str) -> str:
    line = " ".join(text.split())
    if len(line) > longest or not line.isprintable():
        raise InvalidRun(f"{name}: give at most {longest} printable characters")
    return line
