"""What every action on one object of the inventory shares: finding it, and checking it twice.

The checks run before the job is queued (or alone, for a dry run), and again as the first step of the job, because the
inventory may have changed while the job waited.
"""

from __future__ import annotations

import shlex
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from service.api.models import Check
from service.errors import Conflict
from service.jobs.action import Action, Context, JobControl, Params, StepResult, Target
from service.vsphere.live import Kind
from service.vsphere.selectors import Located, lock_key
from service.vsphere.session import Session
from service.vsphere.vcenters import LOOK_SECONDS, VCenters, look

UNDO = "Undo: "
CHECK = "check"
"""The name of the first step."""

S = TypeVar("S", bound=Located)
P = TypeVar("P", bound=Params)


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckContext(Generic[S, P]):
    """What checks and steps work with: the parameters, the object's state as last read, and the vCenter session.

    The `name` of the state is the one that people see, which has its vCenter's before it when there are several.
    """

    session: Session
    state: S
    params: P
    vcenters: VCenters
    typed: str
    """The selector that people type for the object, such as `prod/web-01`."""


class Checked(StepResult):
    """The state of the object as the first step read it, as JSON."""

    state: dict[str, Any]


class Changed(StepResult):
    """Whether the step changed anything; false when the object was in the wanted state before."""

    changed: bool


def refuse(rule: str, message: str) -> Check:
    """A finding that stops the action."""
    return Check(rule=rule, severity="refuse", message=message)


def warn(rule: str, message: str) -> Check:
    """A finding that the caller should know before the action starts."""
    return Check(rule=rule, severity="warn", message=message)


def info(rule: str, message: str) -> Check:
    """A finding that changes nothing."""
    return Check(rule=rule, severity="info", message=message)


def warnings(checks: Iterable[Check]) -> str:
    """The detail of a first step whose dry run has much to say: only what the caller should know, as sentences."""
    return " ".join(check.message for check in checks if check.severity == "warn")


NOT_CHECKED = warn(
    "not-checked",
    f"vCenter did not answer within {LOOK_SECONDS:g} seconds. The job runs the checks before it changes anything, and "
    "stops if one of them refuses.",
)
NOTHING_FOUND = "The checks found nothing."
"""The detail of a first step whose checks found nothing."""


def undo(words: str) -> str:
    """The end of a step's detail that says how to undo it by hand."""
    return f"Undo: {words}."


def undo_command(action: str, *words: str) -> str:
    """The end of a step's detail that is the command which undoes it, to be pasted into a shell.

    Nothing follows the command, not even a full stop. Slack shows it as its own command.
    """
    return f"{UNDO}vmkops action {action} {' '.join(map(shlex.quote, words))}"


class TargetedAction(Action, Generic[S, P]):
    """An action on one object, whose state is an `S`; `kind` is the name of its parameter, and begins its key."""

    kind: ClassVar[str]
    lock: ClassVar[str] = ""
    """What begins the key instead, for an action that does not exclude other jobs on the object."""
    state: type[S]
    things: ClassVar[Kind[Any]]
    """The kind of the object in the inventory."""

    @abstractmethod
    async def find(self, vcenters: VCenters, params: P) -> Located:
        """The object that the parameters mean; raises NotFound, Ambiguous or InvalidParams."""

    @abstractmethod
    async def read(self, session: Session, moref: str) -> S:
        """The object as it is now."""

    @abstractmethod
    async def checks(self, context: CheckContext[S, P]) -> Iterable[Check]:
        """What prevents the action, and what to know before it."""

    @abstractmethod
    async def act(self, job: JobControl, context: CheckContext[S, P]) -> dict[str, Any]:
        """Do it, step by step, starting from the state that was checked; returns the job's result."""

    async def exact(self, vcenters: VCenters, params: P) -> P:  # noqa: ARG002
        """The parameters with every other selector in them made exact; by default there is none."""
        return params

    async def pinned(self, context: Context, params: P) -> P:
        """See `Action.pinned`."""
        found = await self.find(context.vcenters, params)
        selector = context.vcenters.pinned(getattr(params, self.kind), found.vcenter)
        return params.model_copy(update={self.kind: selector})

    async def target(self, context: Context, params: P) -> Target:
        """See `Action.target`."""
        vcenters = context.vcenters
        found = await self.find(vcenters, params)
        link = vcenters.link(found.vcenter)
        exact = await self.exact(vcenters, params.model_copy(update={self.kind: found.selector}))

        async def check() -> tuple[str, tuple[Check, ...]]:
            checked = self._with(vcenters, link.session, exact, await self.read(link.session, found.moref))
            return checked.state.name, tuple(await self.checks(checked))

        shown = vcenters.shown(found.vcenter, found.name)
        title, checks = await look(link, check()) or (shown, (NOT_CHECKED,))
        key = lock_key(self.lock or self.kind, found.vcenter, found.moref)
        return Target(key=key, name=title, params=exact.model_dump(), checks=checks, vcenter=found.vcenter)

    def _with(self, vcenters: VCenters, session: Session, params: P, state: S) -> CheckContext[S, P]:
        """What checks and steps work with, for the object as it was read."""
        name = session.vcenter.name
        shown = state.model_copy(update={"name": vcenters.shown(name, state.name)})
        typed = vcenters.typed(self.things, name, state.moref)
        return CheckContext(session=session, state=shown, params=params, vcenters=vcenters, typed=typed)

    async def run(self, context: Context, job: JobControl, params: P) -> dict[str, Any]:
        """See `Action.run`."""
        session, moref = context.vcenters.at(getattr(params, self.kind))

        async def check() -> Checked:
            state = await self.read(session, moref)
            found = list(await self.checks(self._with(context.vcenters, session, params, state)))
            if refused := [each.message for each in found if each.severity == "refuse"]:
                raise Conflict(" ".join(refused))
            detail = " ".join(each.message for each in found) or NOTHING_FOUND
            return Checked(state=state.model_dump(mode="json"), detail=detail)

        checked = await job.step_as(Checked, CHECK, check)
        state = self.state.model_validate(checked.state)
        return await self.act(job, self._with(context.vcenters, session, params, state))
