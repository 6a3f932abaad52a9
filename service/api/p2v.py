"""The values of the P2V calls: those of `knowledge.p2v` under the names of the API, and runs of a checklist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from knowledge.p2v.checklist import Checklist
from knowledge.p2v.checklist import Command as P2vCommand
from knowledge.p2v.checklist import Item as P2vItem
from knowledge.p2v.checklist import Phase as P2vPhase
from knowledge.p2v.estimate import Estimate as P2vEstimate
from knowledge.p2v.facts import Correction as P2vCorrection
from knowledge.p2v.facts import Tool as P2vTool
from knowledge.p2v.run import Mark as P2vMark
from knowledge.p2v.run import Progress as P2vProgress
from knowledge.p2v.run import State as P2vStepState
from knowledge.p2v.source import Disk as P2vDisk
from knowledge.p2v.source import Source as P2vSource
from service.api.models import Value

__all__ = [
    "P2vChecklist",
    "P2vCommand",
    "P2vCorrection",
    "P2vDisk",
    "P2vEstimate",
    "P2vItem",
    "P2vMark",
    "P2vPhase",
    "P2vProgress",
    "P2vRun",
    "P2vRunItem",
    "P2vRunPhase",
    "P2vRunSummary",
    "P2vRuns",
    "P2vSource",
    "P2vStepState",
    "P2vTool",
    "P2vTools",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class P2vChecklist(Checklist):
    """The checklist for one source: the phases of the Linux P2V page in its order."""

    mends: Annotated[tuple[P2vCorrection, ...], Field(deprecated=True)] = ()
    """The old name of `corrections`; the next release leaves it out."""


class P2vTools(Value):
    """The P2V tools, those without Linux support first."""

    tools: tuple[P2vTool, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class P2vRunItem(P2vItem):
    """A step of a run."""

    state: P2vStepState = P2vStepState.OPEN
    mark: P2vMark | None = None
    """The change that brought it to this state."""


class P2vRunPhase(Value):
    """A part of the checklist of a run."""

    id: str
    title: str
    items: tuple[P2vRunItem, ...]


class P2vRunSummary(Value):
    """A run in a list."""

    id: str
    distribution: str
    version: str
    started_by: str
    started_token: str = ""
    """The name of the token that the run was started with; empty for runs of version 0.1.0."""
    created_at: str
    updated_at: str
    revision: int
    progress: P2vProgress


class P2vRun(P2vRunSummary):
    """A checklist being worked through by a team; `history` has every change, oldest first."""

    source: P2vSource
    notes: tuple[str, ...]
    phases: tuple[P2vRunPhase, ...]
    history: tuple[P2vMark, ...]


class P2vRuns(Value):
    """Runs, newest first."""

    runs: tuple[P2vRunSummary, ...]
