"""The workflow that every job is: it runs its action, and records how that ended."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dbos import DBOS
from dbos import error as engine_errors

from knowledge.runs.marks import attributed
from service.api.log import log_fields
from service.api.models import JobState
from service.errors import JobCancelled, VmkopsError
from service.jobs import outdated
from service.jobs.action import Action, Context
from service.jobs.children import ChildJobs
from service.jobs.claims import WORKFLOW
from service.jobs.job_run import JobRun
from service.store.tokens import Asker, Tokens

if TYPE_CHECKING:
    from service.jobs.engine import Jobs

log = logging.getLogger(__name__)


def register(jobs: Jobs, actions: Mapping[str, Action], context: Context, tokens: Tokens) -> Any:
    """Register the workflow with the engine and return it. Do so before the launch, so that jobs under way continue."""

    @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=1000)
    async def run_action(
        action: str, params: dict[str, Any], requested_by: str, origin: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Run a job; see `Jobs.submit` for `origin`, which has less in it when an earlier version recorded it."""
        job_id = DBOS.workflow_id
        assert job_id is not None
        origin = origin or {}
        token = origin.get("token", "")
        with log_fields(
            job=job_id, action=action, actor=attributed(requested_by, token), request=origin.get("request", "")
        ):
            children = ChildJobs(
                jobs,
                actions,
                context,
                tokens,
                parent=job_id,
                requested_by=requested_by,
                token=token,
                asker=Asker(origin.get("asker", requested_by), origin.get("asker_token", token)),
            )
            job = JobRun(job_id, requested_by, token, children)
            return await _run(actions, context, action, params, job, origin.get("target", ""))

    return run_action


async def _run(
    actions: Mapping[str, Action], context: Context, name: str, params: dict[str, Any], job: JobRun, target: str
) -> dict[str, Any]:
    about = f"{name} of {target} (job {job.job_id})" if target else f"{name} (job {job.job_id})"
    try:
        action, known = outdated.read(actions, name, params)
        try:
            result = await action.run(context, job, known)
        except engine_errors.DBOSUnexpectedStepError as error:
            raise outdated.why_steps_differ(name, error) from error
        state, problem = result.pop("state", JobState.SUCCEEDED.value), result.pop("error", None)
        log.info("job ended: %s %s", about, state)
        return {"state": state, "result": result} | ({"error": problem} if problem else {})
    except JobCancelled as error:
        log.info("job cancelled: %s: %s", about, error)
        return {"state": JobState.CANCELLED.value, "error": error.problem().model_dump()}
    except VmkopsError as error:
        log.warning("job failed: %s: %s", about, error)
        return {"state": JobState.FAILED.value, "error": error.problem().model_dump()}
