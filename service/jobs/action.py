"""What a host action is, and what it gets to work with. `service/actions` has one module for each action."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from service.api.models import TYPE_AGAIN, ActionClass, Check, FileProgress, JobState, TypeAgainHint
from service.api.settings import Settings
from service.store.copy_rates import CopyRates
from service.store.copy_slots import CopySlots
from service.store.disk_ledger import DiskLedger
from service.store.mount_ledger import MountLedger
from service.store.open_leases import OpenLeases
from service.store.reports import Reports
from service.store.signing import Signer
from service.store.snapshot_ledger import SnapshotLedger
from service.vsphere.vcenters import VCenters
from service.workers.pool import Workers

R = TypeVar("R")
S = TypeVar("S", bound="StepResult")


class Params(BaseModel):
    """Base of the parameters of an action; callers see the JSON Schema of the subclass."""

    # The parameters are stored with the job. A signed URL is the longest of them.
    model_config = ConfigDict(frozen=True, extra="forbid", str_max_length=8192)


class StepResult(BaseModel):
    """What a step returns: recorded as JSON, and read back after a restart, which may be an upgrade.

    Do not rename a field of a subclass, and give each field that is added later a default.
    """

    model_config = ConfigDict(frozen=True)

    detail: str = ""
    """What the step did, for people; it becomes the `detail` of the job's step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What a job acts on, as the pre-flight found it."""

    key: str
    """The same for the same object: only one live job has it."""
    name: str
    """For people."""
    params: dict[str, Any]
    """The action's parameters with exact selectors, so that a later rename of the object changes nothing."""
    checks: tuple[Check, ...] = ()
    """The findings; one with the severity `refuse` keeps the job from being queued."""
    vcenter: str = ""
    """The name of the vCenter that the job changes something in; empty for a job that asks none."""
    also: tuple[str, ...] = ()
    """The keys of other objects that the job changes: no other live job may have any of them."""
    name_again: str = ""
    """The name that a person types again before the action; empty for an action without `type_again`."""


PASSING = frozenset({"task-running", "window", "under-way"})
"""The rules that refuse for now only: the next time of a schedule finds something else."""


def lasting_refusals(checks: Iterable[Check]) -> list[str]:
    """The messages of the checks that refuse, without those that pass by themselves."""
    return [check.message for check in checks if check.severity == "refuse" and check.rule not in PASSING]


class TypeAgain(TypeAgainHint):
    """What a person types in addition to the yes: the name of what is lost, in the parameter `parameter`.

    It applies once the parameter `when` is given, which makes the action destructive.
    """

    def check(self, params: Params, name: str) -> Check | None:
        """The finding that stops the action as long as `name` is not typed."""
        typed = getattr(params, self.parameter)
        if not getattr(params, self.when) or typed == name:
            return None
        wrong = f"{self.parameter}={typed} is not {self.what}. " if typed else ""
        message = f"{wrong}To confirm, type {self.what} again: {self.parameter}={name}"
        return Check(rule=TYPE_AGAIN, severity="refuse", message=message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What actions work with; the bootstrap makes it once for each process."""

    settings: Settings
    vcenters: VCenters
    ledger: SnapshotLedger
    leases: OpenLeases
    disks: DiskLedger
    mounts: MountLedger
    copy_slots: CopySlots
    copy_rates: CopyRates
    signer: Signer
    reports: Reports
    workers: Workers


ASKER = "asker"
"""The rule of a start that is refused because the token behind the parent was revoked or has expired."""
CLOSED = "closed"
"""The rule of a start that comes too late."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """What came of the start of a child: the id of its job, or why there is none."""

    job: str = ""
    joined: bool = False
    """Whether another request had started the job, which was live for the same target."""
    why: str = ""
    rule: str = ""
    """The check that refused the start, such as `window`; `asker` when the token ended, `closed` when it is too late;
    empty for another reason."""
    later: bool = False
    """Whether another attempt may succeed: vCenter does not answer, or another job holds the target."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a job ended: its state, and the reason when it did not succeed."""

    state: JobState
    why: str
    at: datetime


class Children(Protocol):
    """The jobs that a running job starts. Call its methods inside of steps only."""

    async def start(
        self, number: int, action: str, params: Mapping[str, Any], before: datetime | None = None
    ) -> Started:
        """Start the child with this number, once: a repeat returns the same job. Raises no VmkopsError.

        None is started at `before` or later: the checks on its target may take until then.
        """

    async def ended(self, jobs: Collection[str]) -> dict[str, Ended]:
        """Those of these jobs that have ended; a job whose record is gone has failed."""

    async def cancel(self) -> int:
        """Cancel the live children, wait until they have ended, and return how many there were; not joined jobs."""


class JobControl(Protocol):
    """What the engine gives to a running action."""

    @property
    def job_id(self) -> str:
        """The job's id."""

    @property
    def requested_by(self) -> str:
        """Who asked for the job, such as `slack:U012AB3CD` or `token:nightly`."""

    @property
    def token(self) -> str:
        """The name of the token that the request came with; empty for a schedule, and for jobs of version 0.1.0."""

    @property
    def children(self) -> Children:
        """The jobs that this job starts; only an action that is a `parent` has some."""

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
        """Run one step and record what `do` returns, which must be plain JSON values; returns it.

        A step that is already recorded is not run again: its recorded result is returned. `part` tells apart several
        parts of the step `name`, such as the disks of a VM. In a dictionary, the value of `detail` is shown to people.

        After the job was cancelled, a step raises JobCancelled instead, unless it is a `cleanup` step. An
        `interruptible` step is also stopped while it runs. With `retry`, a step that fails because vCenter does not
        answer is repeated for a minute.
        """

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
        """Run one step as `step` does, and return its result as this type, also when it comes from the record."""

    def report(self, done: int, total: int | None, unit: str = "bytes", files: Sequence[FileProgress] = ()) -> None:
        """Report progress, and that of each of several files; callers see it within a second."""

    def percent(self, done: int) -> None:
        """Report how many percent of a vSphere task are done."""

    def grown(self, size: int) -> None:
        """Report how many bytes the delta disks of the job's snapshot have; callers see it with the progress."""

    def say(self, detail: str) -> None:
        """Show `detail` for the step under way, such as what it waits for; an empty one shows nothing any more."""

    async def stop_if_cancelled(self) -> None:
        """Raise JobCancelled when the job was cancelled; call it at the end of a last step that can still be undone."""

    async def interruptible(self, do: Callable[[], Awaitable[R]]) -> R:
        """Await `do` inside a step that is not interruptible; after a cancel, stop it and raise JobCancelled."""


class Action(ABC):
    """One host action: its name, its parameters, its named steps, and how it runs as a durable job."""

    name: ClassVar[str]
    summary: ClassVar[str]
    action_class: ClassVar[ActionClass] = ActionClass.DESTRUCTIVE
    """How much harm it can do. Slack and the command line ask before a disruptive or destructive action, and so before
    one that does not declare its class."""
    class_depends: ClassVar[str] = ""
    """What decides the class, in words, for an action that has no class of its own; empty for all others."""
    label: ClassVar[str] = ""
    """What a button says, with `{target}` and names of parameters; by default the name, as in `Power off {target}`."""
    steps: ClassVar[tuple[str, ...]]
    params: ClassVar[type[Params]]
    target_param: ClassVar[str] = ""
    """The parameter that names a copy target and has no default; empty when there is none."""
    needs_approval: ClassVar[bool] = False
    parent: ClassVar[bool] = False
    """Whether its jobs start other jobs and wait for them. They have a queue of their own, so that they keep no place
    from their children. Their `result` must have its lists at the top level: a list of jobs leaves them out."""
    may_ask: ClassVar[bool] = False
    """Whether `class_for` answers with a worse class for some parameters, so that a caller has to check first."""
    joined_despite: ClassVar[frozenset[str]] = frozenset()
    """Parameters that may differ when a second request joins the live job of the first instead of being refused."""
    type_again: ClassVar[TypeAgain | None] = None
    """What a person types again before the action; the shell and Slack ask for it, and `target` checks it."""

    def class_for(self, target: Target) -> ActionClass:
        """How much harm it can do with these parameters; by default always the same, unless a name is typed again."""
        again = self.type_again
        return ActionClass.DESTRUCTIVE if again and target.params.get(again.when) else self.action_class

    def steps_of(self, params: Mapping[str, Any]) -> tuple[str, ...]:  # noqa: ARG002
        """The names of the steps with these parameters, in their order."""
        return self.steps

    def step_words(self, params: Mapping[str, Any]) -> Mapping[str, str]:  # noqa: ARG002
        """What people see as the name of a step, where that differs from the recorded name with these parameters."""
        return {}

    def plan_of(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """The steps that a dry run shows with these parameters, by the names that people see; by default all.

        Steps that only a failure needs are not in it.
        """
        words = self.step_words(params)
        return tuple(words.get(name, name) for name in self.steps_of(params))

    def label_for(self, target: Target) -> str:
        """What starting it for this target does, in a few words, such as `Power off web-01`."""
        label = self.label or f"{self.name.replace('-', ' ').capitalize()} {{target}}"
        return label.format_map({**target.params, "target": target.name})

    async def pinned(self, context: Context, params: Any) -> Any:  # noqa: ARG002
        """The parameters for later, with the name of its vCenter before each name of an object in them.

        A schedule keeps them, so that a name that another vCenter gets later changes nothing. Raises what `target`
        raises for an object that is not there.
        """
        return params

    @abstractmethod
    async def target(self, context: Context, params: Any) -> Target:
        """The pre-flight: find the object and check whether the action may run. Changes nothing.

        It runs before a job is queued, and alone for a dry run. `params` is an instance of the class `params`. Raises
        a VmkopsError for what the caller must correct.
        """

    def forbidden(self, settings: Settings, params: Any) -> str:  # noqa: ARG002
        """Why nobody may ask for this, as sentences; empty when they may. A schedule that exists fires all the same."""
        return ""

    def check_names(self, settings: Settings, params: Any) -> None:  # noqa: B027
        """Raise NotFound for a copy target or a save profile in the parameters that the settings do not have.

        By default nothing. A fleet asks this before it starts a job for each VM.
        """

    async def why_refused(self, context: Context, params: Any, target: Target) -> str:  # noqa: ARG002
        """Why a schedule of this is refused when it is saved, as sentences; empty when a run of it may go ahead.

        What passes by itself, such as a task that runs on the VM, does not count. May ask vCenter.
        """
        return " ".join(lasting_refusals(target.checks))

    async def more_checks(self, context: Context, params: Any, target: Target) -> Sequence[Check]:  # noqa: ARG002
        """What only a dry run looks at, beside the checks of `target`; by default nothing.

        What it refuses does not keep a job from being queued: the first step of the job finds it again.
        """
        return ()

    @abstractmethod
    async def run(self, context: Context, job: JobControl, params: Any) -> dict[str, Any]:
        """Run the action step by step; returns the job's `result`, plain JSON values. Raises VmkopsError on failure.

        The optional key `state` is taken out of the result and becomes the state of the job: `succeeded` (the
        default), `partial` or `failed`. With `failed` comes the key `error`, a Problem as JSON, which is taken out too.

        After a crash the method runs again from the top, and recorded steps return their recorded results. So outside
        of `job.step` it may only make decisions from what steps returned.
        """
