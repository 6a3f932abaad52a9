"""What a live job holds for itself, in the engine's own record: it needs no giving back when the job ends or dies."""

from __future__ import annotations

from dbos import DBOS

from service.errors import Conflict
from service.jobs.view import LIVE

WORKFLOW = "vmkops.action"
KEYS = "keys"
"""The attribute of a job that lists what it holds while it is live."""


def begun(job_id: str) -> str | None:
    """The id, when there is such a job, live or ended."""
    found = DBOS.list_workflows(workflow_ids=[job_id], load_input=False, load_output=False)
    return job_id if found else None


def holder(action: str, keys: list[str]) -> str | None:
    """The live job of this action on these very keys; raises Conflict when another holds one of them."""
    live = DBOS.list_workflows(name=WORKFLOW, status=list(LIVE), load_input=False, load_output=False)
    for each in live:
        told, job_id = each.attributes or {}, each.workflow_id
        held = told.get(KEYS, [])
        if held == keys and told["action"] == action:
            return job_id
        if not set(keys).isdisjoint(held):
            raise Conflict(
                f"{told['action']} (job {job_id}) is under way on {told['target']}. Wait for it "
                f"(vmkops jobs {job_id} --watch) or cancel it (vmkops jobs {job_id} --cancel)."
            )
    return None
