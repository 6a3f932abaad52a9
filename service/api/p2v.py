"""The values of the P2V calls as they cross the HTTP API; their names are those of ``knowledge.p2v``."""

from __future__ import annotations

from typing import Literal

from service.api.models import Value

StepMark = Literal["open", "done", "skipped"]


class P2vDisk(Value):
    """A whole disk of the source: its name below ``/dev``, and its size in 1 KiB blocks when it was told."""

    name: str
    blocks: int | None = None


class P2vSource(Value):
    """The described source, every value checked."""

    distribution: str
    version: str
    disks: list[P2vDisk]
    lvm: bool
    target_ip: str
    source_ip: str
    port: int
    netcat: str
    filesystems: list[str]


class P2vCommand(Value):
    """A command, and where it is typed."""

    on: str
    run: str
    note: str = ""


class P2vItem(Value):
    """One step: what to do, why, the exact commands, how to check it, of what to beware, and where it is from."""

    id: str
    phase: str
    title: str
    why: str
    commands: list[P2vCommand]
    check: str
    warning: str
    optional: bool
    origin: str
    source: str
    applies_to: dict[str, list[str | bool]]


class P2vPhase(Value):
    """A part of the checklist, with its steps in order."""

    id: str
    title: str
    items: list[P2vItem]


class P2vMend(Value):
    """A slip of the source document: what it has, what the checklist has instead, and why."""

    id: str
    document: str
    ours: str
    why: str


class P2vChecklist(Value):
    """The checklist for one source; ``known`` is false when its steps are only the general ones."""

    source: P2vSource
    distribution: str
    known: bool
    age: str
    notes: list[str]
    suggestions: list[str]
    phases: list[P2vPhase]
    mends: list[P2vMend]


class P2vEstimate(Value):
    """Size and transfer time: MB and GB by dividing by 1024, decimal GB as printed on disks, rate in MB/s."""

    blocks: int
    bytes: int
    mb: float
    gb: float
    decimal_gb: float
    rate: float
    seconds: float
    duration: str
    notes: list[str]


class P2vTool(Value):
    """A P2V tool and how far it supports Linux: ``no``, ``partly`` or ``full``."""

    id: str
    name: str
    linux: str
    documented: bool
    caveat: str
    today: str


class P2vTools(Value):
    """The P2V tools, those without Linux support first."""

    tools: list[P2vTool]


class P2vMark(Value):
    """One deed in a run: who set which step to what, when (RFC 3339, UTC), and the note or reason."""

    item: str
    state: StepMark
    who: str
    when: str
    note: str


class P2vProgress(Value):
    """How far a run is; ``next`` is the first open step that is not optional, ``finished`` that none is left."""

    done: int
    skipped: int
    open: int
    total: int
    finished: bool
    next: str | None


class P2vRunItem(P2vItem):
    """A step of a run: where it stands, and the last deed that brought it there."""

    state: StepMark = "open"
    mark: P2vMark | None = None


class P2vRunPhase(Value):
    """A part of the checklist of a run."""

    id: str
    title: str
    items: list[P2vRunItem]


class P2vRunSummary(Value):
    """A run in a list."""

    id: str
    distribution: str
    version: str
    started_by: str
    created_at: str
    updated_at: str
    revision: int
    progress: P2vProgress


class P2vRun(P2vRunSummary):
    """A checklist being worked through by a team; ``history`` has every deed, oldest first."""

    source: P2vSource
    notes: list[str]
    phases: list[P2vRunPhase]
    history: list[P2vMark]


class P2vRuns(Value):
    """Runs, newest first."""

    runs: list[P2vRunSummary]
