"""The values that cross the HTTP API: what callers send and what they get back."""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from knowledge.diagnosis import NAMES_IN_JSON
from knowledge.runs.marks import attributed


class Value(BaseModel):
    """Base of every API value: frozen, and strict about unknown fields when it is read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


CLASS_IN_JSON = cast(ConfigDict, NAMES_IN_JSON)
"""Configures a value with a field `class_`, which is `class` in JSON."""


class Problem(Value):
    """An error as RFC 9457 ``application/problem+json``."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    suggestions: list[str] = Field(default_factory=list)


class RequestProblem(Problem):
    """A problem as the answer of a call, with the id of the request, which the log of the service has too."""

    request_id: str = ""


class Check(Value):
    """One thing looked at before an action: `refuse` stops it, `warn` and `info` are shown."""

    rule: str
    severity: Literal["refuse", "warn", "info"]
    message: str


class ActionClass(StrEnum):
    """How much harm an action can do.

    `read` changes nothing. `safe` adds something or can be undone, and interrupts nothing that runs. `disruptive`
    interrupts what runs, or takes away its protection for a while. After `destructive`, something is gone for good.
    """

    READ = "read"
    SAFE = "safe"
    DISRUPTIVE = "disruptive"
    DESTRUCTIVE = "destructive"

    @property
    def asks_first(self) -> bool:
        """Whether Slack and the command line show the dry run and wait for a yes before they start the action."""
        return self in {ActionClass.DISRUPTIVE, ActionClass.DESTRUCTIVE}


TYPE_AGAIN = "type-again"
"""The rule of the finding that stops an action until a name is typed again."""


class TypeAgainHint(Value):
    """A name that a person types before an action: into the parameter `parameter`, once `when` is among the parameters.

    `what` says which name, such as `the name of the VM whose disks are replaced`.
    """

    when: str
    parameter: str
    what: str
    name: str = ""
    """The name itself, in a dry run."""


class ActionPreview(Value):
    """What an action would do, and whether it may: nothing was touched."""

    model_config = CLASS_IN_JSON

    action: str
    target: str
    vcenter: str = ""
    """The name of the vCenter that it would change something in; empty when it asks none."""
    params: dict[str, Any]
    steps: list[str]
    checks: list[Check]
    allowed: bool
    class_: ActionClass = ActionClass.DESTRUCTIVE
    """How much harm it can do; an answer of an older service, which has no class, counts as the worst."""
    label: str = ""
    """What it does, as a button shows it, such as `Power off web-01`."""
    type_again: TypeAgainHint | None = None
    """What a person has to type before the action may start; None when it is typed, or other findings stop it."""

    @property
    def may_be_asked(self) -> bool:
        """Whether the action may start once a person has said yes, and typed what is to be typed."""
        return self.allowed or self.type_again is not None

    @property
    def fingerprint(self) -> str:
        """The same only for the same preview, so that a yes counts only for what was shown."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:32]


class JobState(StrEnum):
    """The state of a job; the last four are final."""

    AWAITING_APPROVAL = "awaiting_approval"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """True when the job will not change any more."""
        return self in {JobState.SUCCEEDED, JobState.PARTIAL, JobState.FAILED, JobState.CANCELLED}


class StepState(StrEnum):
    """The state of one step of a job."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


class Step(Value):
    """One named step of a job; times are RFC 3339 in UTC, absent while the step has not got there."""

    name: str
    state: StepState = StepState.PENDING
    started_at: str | None = None
    finished_at: str | None = None
    detail: str = ""


class FileProgress(Value):
    """How far one file of several is, in bytes; `total` is None until it is known."""

    name: str
    done: int
    total: int | None


class Progress(Value):
    """How far a job is: ``done`` of ``total`` in ``unit``; rate per second and seconds left when known."""

    done: int = 0
    total: int | None = None
    unit: str = "bytes"
    percent: float | None = None
    rate: float | None = None
    eta_seconds: float | None = None
    delta: int | None = None
    """How far the delta disks of the job's snapshot have grown, in bytes; None when that is not known."""
    files: list[FileProgress] = Field(default_factory=list)
    """Each file of a transfer of several, such as the disks of a VM; empty for one file."""


class Job(Value):
    """A host action under way or done."""

    id: str
    action: str
    target: str
    """For people; with the name of the vCenter before it when there are several, such as `prod/web-01`."""
    vcenter: str = ""
    """The name of the vCenter that it works in; empty for a job that asks none, and for those of earlier versions."""
    state: JobState
    params: dict[str, Any] = Field(default_factory=dict)
    steps: list[Step] = Field(default_factory=list)
    progress: Progress | None = None
    error: Problem | None = None
    result: dict[str, Any] | None = None
    requested_by: str = ""
    token: str = ""
    """The name of the token that the request came with; empty for schedules and for jobs of version 0.1.0."""
    warnings: list[str] = Field(default_factory=list)
    """What the checks before its start warned of, as sentences; empty for jobs of earlier versions."""
    created_at: str = ""
    started_at: str | None = None
    finished_at: str | None = None
    notes: list[str] = Field(default_factory=list)
    """What came of the job after its end, such as disks that could not be merged."""
    reply_to: dict[str, Any] | None = None
    """Where the Slack bot shows the job, kept and handed back unread."""
    executor: str = ""
    """The process that runs the job, or ran it last: `esx-ops, process 4711`; empty while it waits in the queue."""
    joined: bool = False
    """True in the answer to a start that found this job under way for the target, and so started nothing."""
    parent: str = ""
    """The id of the job that started it; empty when no job did."""
    children: list[str] = Field(default_factory=list)
    """The ids of the jobs that it has started, by number; a list of jobs, and events, leave them out."""

    @property
    def requester(self) -> str:
        """Who asked for the job, and with which token, for people: `slack:U012AB3CD via token bot`."""
        return attributed(self.requested_by, self.token)


class ReportVm(Value):
    """A VM in a report: its name, the id of its job (empty without one), and why, as sentences."""

    vm: str
    job: str
    why: str


class ReportGroup(Value):
    """What came of some VMs of a fleet: `failed`, `skipped`, `too_slow` or `done`; how many, and the first of them."""

    name: str
    count: int
    vms: list[ReportVm]


class Report(Value):
    """What came of a fleet, for a Slack channel; or, with a `problem`, why a schedule started none."""

    id: str
    channel: str
    """A name such as `#ops`, or the ID of a channel."""
    schedule: str
    """The name of the schedule; empty for a fleet that somebody started."""
    problem: str = ""
    """Why nothing was started, as sentences."""
    job: Job | None = None
    """The fleet, without its result; None when nothing was started."""
    groups: list[ReportGroup] = Field(default_factory=list)
    """The VMs by what came of them, the worst group first; groups without VMs are left out."""
    unread: list[str] = Field(default_factory=list)
    """Sentences about what could not be read, so that VMs may be missing from the fleet."""
    again: str = ""
    """The selection of the VMs that failed or were skipped, to run the fleet again; empty when there are too many."""


class Freshness(Value):
    """How current the inventory of a vCenter is: when it last answered (`as_of`), and why it does not (`trouble`)."""

    vcenter: str
    connected: bool
    as_of: datetime | None
    age_seconds: int | None
    objects: int
    trouble: str

    def words(self) -> str:
        """For people, when it is not current; empty when it is."""
        if self.connected:
            return ""
        if self.age_seconds is None:
            return f"The inventory of vCenter {self.vcenter} could not be read yet: {self.trouble}"
        return f"The inventory of vCenter {self.vcenter} is {_duration(self.age_seconds)} old: {self.trouble}"


def _duration(seconds: int) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return "1 second" if seconds == 1 else f"{seconds} seconds"
