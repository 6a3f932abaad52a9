"""Which live job holds which keys, from the engine's own record: a job that ends or dies frees its keys by that."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from dbos import DBOS

from service.api.redaction import redact_params
from service.errors import Conflict
from service.jobs.action import Action, Target
from service.jobs.view import LIVE

if TYPE_CHECKING:
    from service.jobs.records import Records

WORKFLOW = "vmkops.action"
KEYS = "keys"
"""The attribute of a job that lists the keys it holds while it is live."""


def job_exists(job_id: str) -> bool:
    """Whether there is a job with this id, live or ended."""
    return bool(DBOS.list_workflows(workflow_ids=[job_id], load_input=False, load_output=False))


class LiveJob(NamedTuple):
    """A job that has not ended: its id, its action, its target for people, and which of the keys it holds."""

    id: str
    action: str
    target: str
    key: str

    def in_words(self) -> str:
        """Which job it is, and how to wait for it or to cancel it."""
        return (
            f"{self.action} (job {self.id}) is under way on {self.target}. Wait for it "
            f"(vmkops jobs {self.id} --watch) or cancel it (vmkops jobs {self.id} --cancel)."
        )


async def live_jobs(keys: Collection[str], actions: Collection[str] | None = None) -> list[LiveJob]:
    """The live jobs that hold one of these keys, of these actions or of all, by target."""

    def ask() -> list[LiveJob]:
        live = DBOS.list_workflows(name=WORKFLOW, status=list(LIVE), load_input=False, load_output=False)
        found = []
        for each in live:
            attributes = each.attributes or {}
            held = [key for key in attributes.get(KEYS, []) if key in keys]
            if held and (actions is None or attributes["action"] in actions):
                found.append(LiveJob(each.workflow_id, attributes["action"], attributes["target"], held[0]))
        return sorted(found, key=lambda job: job.target)

    # In a context of its own: inside of a job, the engine would record the call as a step of it.
    return await asyncio.get_running_loop().run_in_executor(None, contextvars.Context().run, ask)


def find_live_job(
    records: Records, action: str, keys: list[str], asked: Callable[[Mapping[str, Any]], bool]
) -> str | None:
    """The id of the live job of this action on exactly these keys; raises Conflict when another job holds one.

    `asked` says whether the parameters that a job was started with ask for the same: a snapshot of a VM is not
    another one of it.
    """
    for each in records.holders(keys):
        attributes = each.attributes or {}
        if attributes[KEYS] == keys and attributes["action"] == action and asked(attributes.get("params", {})):
            return each.workflow_id
        raise Conflict(LiveJob(each.workflow_id, attributes["action"], attributes["target"], "").in_words())
    return None


def same_request(action: Action, target: Target) -> Callable[[Mapping[str, Any]], bool]:
    """Whether the recorded parameters of a job ask for the same as this target, as `find_live_job` takes it."""

    def given(params: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in params.items() if name not in action.joined_despite}

    wanted = given(redact_params(target.params))
    return lambda params: given(params) == wanted
