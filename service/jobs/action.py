"""What a host action is; each module of this folder declares one as `ACTION`, and they are found by scanning."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from service.api.models import Check
from service.api.settings import Settings
from service.store.copy_slots import CopySlots
from service.store.snapshot_ledger import SnapshotLedger
from service.vsphere.vcenters import VCenters

R = TypeVar("R")
S = TypeVar("S", bound="StepResult")


class Params(BaseModel):
    """The parameters of an action; its JSON Schema is what callers are shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StepResult(BaseModel):
    """What a step returns: recorded as JSON, and read back after a restart, which may be an upgrade.

    Do not rename a field of a subclass, and give each field that is added later a default.
    """

    model_config = ConfigDict(frozen=True)

    detail: str = ""
    """What the step did, for people; it becomes the `detail` of the job's step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What a job acts on: `key` is the same for the same thing (one live job each), `name` is for people.

    `also` are the keys of what else the job changes, held with the first: no live job shares any with another.
    `params` are the action's parameters with the selector made exact, so that a later rename changes nothing.
    `checks` are what the pre-flight found; one that refuses keeps the job from being queued.
    """

    key: str
    name: str
    params: dict[str, Any]
    checks: tuple[Check, ...] = ()
    also: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What actions work with, made once by the composition."""

    settings: Settings
    vcenters: VCenters
    ledger: SnapshotLedger
    copy_slots: CopySlots


class JobControl(Protocol):
    """What the engine gives to a running action."""

    @property
    def job_id(self) -> str:
        """The job's id."""

    @property
    def requested_by(self) -> str:
        """Who asked for the job."""

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
        """Run one step and record what it returned; a step recorded before is not run again.

        A step that begins after the job was cancelled raises JobCancelled instead, unless it is a `cleanup` step;
        an `interruptible` one is also stopped in the middle. A `patient` one is done again, for a while, when vCenter
        goes away in it. What `do` returns must be plain JSON values.
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

    def report(self, done: int, total: int | None, unit: str = "bytes") -> None:
        """Say how much of how much is done; callers see it within a second."""

    def percent(self, done: int) -> None:
        """Say how many percent of a vSphere task are done."""


class Action(ABC):
    """One host action: its name, its parameters, its named steps, and how it runs as a durable job."""

    name: ClassVar[str]
    summary: ClassVar[str]
    steps: ClassVar[tuple[str, ...]]
    params: ClassVar[type[Params]]
    needs_approval: ClassVar[bool] = False

    @abstractmethod
    async def target(self, context: Context, params: Any) -> Target:
        """The pre-flight: what the parameters mean in the live inventory, and what speaks against it.

        It touches nothing and runs before a job is queued, and alone for a dry run; raises what the caller must mend.
        """

    @abstractmethod
    async def run(self, context: Context, job: JobControl, params: Any) -> dict[str, Any]:
        """Do it, step by step, and return the result; raises a VmkopsError when it fails.

        It is run again from the top after a crash, with recorded steps answered from the record: outside of
        `job.step` it must do nothing but decide on what steps returned.
        """
