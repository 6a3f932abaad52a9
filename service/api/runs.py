"""The values of the calls about runs of procedures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import PrivateAttr

from knowledge.runs.items import Box as ProcedureBox
from knowledge.runs.items import Item as ProcedureItem
from knowledge.runs.marks import Mark as RunMark
from knowledge.runs.marks import Progress as RunProgress
from knowledge.runs.marks import State as RunStepState
from knowledge.runs.marks import attributed
from service.api.models import Value

__all__ = [
    "ProcedureBox",
    "ProcedureItem",
    "ProcedureRunDetails",
    "ProcedureRunItem",
    "ProcedureRunSummary",
    "ProcedureRuns",
    "RunMark",
    "RunProgress",
    "RunStepState",
    "attributed",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcedureRunItem(ProcedureItem):
    """A step or check of a run."""

    state: RunStepState = RunStepState.OPEN
    mark: RunMark | None = None
    """The change that brought it to this state."""
    notes: tuple[RunMark, ...] = ()
    """Notes that came without a change of the state, oldest first."""


class ProcedureRunSummary(Value):
    """A run in a list."""

    id: str
    procedure: str
    """The slug of the page."""
    title: str
    targets: Mapping[str, str]
    """What the run is about, by `vm`, `host` and `datastore`; only those that were given."""
    incident: str
    """The reference that was given at the start; may be empty."""
    started_by: str
    """The token, or the person for whom it acted."""
    by: str = ""
    """The name that the person gave at the start, which is not checked; may be empty."""
    started_token: str = ""
    """The name of the token that the run was started with; empty for runs of version 0.1.0."""
    created_at: str
    updated_at: str
    revision: int
    progress: RunProgress
    path: str = ""
    """Where the run is: `/runs/ID`, or `/p2v/runs/ID` for a P2V checklist."""

    @property
    def starter(self) -> str:
        """Who started it, for people."""
        return attributed(self.started_by, self.started_token, self.by)


class ProcedureRunDetails(ProcedureRunSummary):
    """A procedure that a team works through, with the steps as they were at the start."""

    before: str
    """What to know before the steps, as Markdown."""
    items: tuple[ProcedureRunItem, ...]
    history: tuple[RunMark, ...]
    """Every change, oldest first."""
    _text: str = PrivateAttr(default="")


class ProcedureRuns(Value):
    """Runs, newest first."""

    runs: tuple[ProcedureRunSummary, ...]
    next: str | None = None
    """The `cursor` of the next call; null when there are no more runs."""
