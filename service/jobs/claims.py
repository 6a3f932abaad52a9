"""Which live job holds which keys, from the engine's own record: a job that ends or dies frees its keys by that."""

from __future__ import annotations

from dbos import DBOS

from service.errors import Conflict
from service.jobs.view import LIVE

WORKFLOW = "vmkops.action"
KEYS = "keys"
"""The attribute of a job that lists the keys it holds while it is live."""


def job_exists(job_id: str) -> bool:
    """Whether there is a job with this id, live or ended."""
    return bool(DBOS.list_workflows(workflow_ids=[job_id], load_input=False, load_output=False))


def find_live_job(action: str, keys: list[str]) -> str | None:
    """The id of the live job of this action on exactly these keys; raises Conflict when another job holds one."""
    live = DBOS.list_workflows(name=WORKFLOW, status=list(LIVE), load_input=False, load_output=False)
    for each in live:
        attributes, job_id = each.attributes or {}, each.workflow_id
        held = attributes.get(KEYS, [])
        if held == keys and attributes["action"] == action:
            return job_id
        if not set(keys).isdisjoint(held):
            raise Conflict(
                f"{attributes['action']} (job {job_id}) is under way on {attributes['target']}. Wait for it "
                f"(vmkops jobs {job_id} --watch) or cancel it (vmkops jobs {job_id} --cancel)."
            )
    return None
