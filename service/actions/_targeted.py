"""What every action on one thing of the inventory shares: finding it, weighing the checks, and weighing them again.

The checks are made twice: before the job is queued (and alone for a dry run), and as the first step of the job, since
the world may have changed while it waited.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel

from service.api.models import Check
from service.errors import Conflict
from service.jobs.action import Action, Context, JobControl, Params, Target
from service.vsphere.selectors import Located, lock_key
from service.vsphere.session import Session
from service.vsphere.vcenters import LOOK_SECONDS, VCenters, look

CHECK = "check"
"""The name of the first step."""

S = TypeVar("S", bound=BaseModel)
P = TypeVar("P", bound=Params)


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckContext(Generic[S, P]):
    """What is asked of what: the parameters, the thing as it was last looked at, and the session with its vCenter."""

    session: Session
    state: S
    params: P


def refuse(rule: str, message: str) -> Check:
    """A finding that stops the action."""
    return Check(rule=rule, severity="refuse", message=message)


def warn(rule: str, message: str) -> Check:
    """A finding that whoever asks ought to know before it happens."""
    return Check(rule=rule, severity="warn", message=message)


def info(rule: str, message: str) -> Check:
    """A finding that changes nothing."""
    return Check(rule=rule, severity="info", message=message)


NOT_CHECKED = warn(
    "not-checked",
    f"vCenter did not answer within {LOOK_SECONDS:g} seconds. The job looks before it does anything, and stops if "
    "something speaks against it.",
)


def undo(words: str) -> str:
    """How a step's detail tells the way back."""
    return f"Undo: {words}."


class TargetedAction(Action, Generic[S, P]):
    """An action on one thing, of which `S` is what has to be known; `kind` is its parameter and begins its key."""

    kind: ClassVar[str]
    state: type[S]

    @abstractmethod
    async def find(self, vcenters: VCenters, params: P) -> Located:
        """The thing that the parameters mean; raises NotFound, Ambiguous or InvalidParams."""

    @abstractmethod
    async def read(self, session: Session, moref: str) -> S:
        """The thing as it is now."""

    @abstractmethod
    def title(self, state: S) -> str:
        """The thing's name."""

    @abstractmethod
    async def checks(self, context: CheckContext[S, P]) -> Iterable[Check]:
        """What speaks against the action, and what to know before it."""

    @abstractmethod
    async def act(self, job: JobControl, context: CheckContext[S, P]) -> dict[str, Any]:
        """Do it, step by step, from the state that the checks were made on; returns the result."""

    async def exact(self, vcenters: VCenters, params: P) -> P:  # noqa: ARG002
        """The parameters with every other selector among them made exact; there is none unless an action says so."""
        return params

    async def target(self, context: Context, params: P) -> Target:
        """See `Action.target`."""
        vcenters = context.vcenters
        found = await self.find(vcenters, params)
        link = vcenters.link(found.vcenter)
        exact = await self.exact(vcenters, params.model_copy(update={self.kind: found.selector}))

        async def weigh() -> tuple[str, tuple[Check, ...]]:
            state = await self.read(link.session, found.moref)
            checks = await self.checks(CheckContext(session=link.session, state=state, params=exact))
            return self.title(state), tuple(checks)

        title, checks = await look(link, weigh()) or (found.name, (NOT_CHECKED,))
        key = lock_key(self.kind, found.vcenter, found.moref)
        return Target(key=key, name=title, params=exact.model_dump(), checks=checks)

    async def run(self, context: Context, job: JobControl, params: P) -> dict[str, Any]:
        """See `Action.run`."""
        session, moref = context.vcenters.at(getattr(params, self.kind))

        async def check() -> dict[str, Any]:
            state = await self.read(session, moref)
            found = list(await self.checks(CheckContext(session=session, state=state, params=params)))
            if refused := [each.message for each in found if each.severity == "refuse"]:
                raise Conflict(" ".join(refused))
            told = " ".join(each.message for each in found) or "Nothing speaks against it."
            return {"state": state.model_dump(mode="json"), "detail": told}

        checked = await job.step(CHECK, check)
        state = self.state.model_validate(checked["state"])
        return await self.act(job, CheckContext(session=session, state=state, params=params))
