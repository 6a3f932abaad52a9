"""Ends jobs that another version of vmkops started and that this version cannot continue."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any

from dbos import DBOS
from pydantic import ValidationError

from service.api.models import JobState
from service.errors import JobOutdated, RecordUnreadable
from service.jobs import view
from service.jobs.action import Action, Params
from service.jobs.claims import WORKFLOW

log = logging.getLogger(__name__)

CHECK = "vmkops removes the snapshot and the unfinished files of the job, if there are any. Check the target of the job"
AGAIN = f"{CHECK}, then start the job again."
FORMAT_UNKNOWN = f"Another version of vmkops started this job, and this version cannot continue it. {AGAIN}"


async def end_outdated(formats: Collection[str]) -> None:
    """End the live jobs, and the live firings of schedules, whose format is not one of `formats`.

    The engine continues a workflow only with the application version that started it. Without an end, such a job shows
    as running forever, keeps its target from new jobs, and takes up room in the queue. The reaper removes what it left.
    """
    live = await DBOS.list_workflows_async(status=list(view.LIVE), load_input=False, load_output=False)
    for each in live:
        if each.app_version is None or each.app_version in formats:
            continue
        problem = JobOutdated(FORMAT_UNKNOWN).problem().model_dump()
        is_job = each.name == WORKFLOW
        outcome = {"state": JobState.FAILED.value, "error": problem} if is_job else {"problem": problem}
        # The outcome comes first: a process that dies in between leaves a live job, which the next process ends.
        await DBOS.update_workflow_attributes_async(each.workflow_id, {view.OUTCOME: outcome}, merge=True)
        await DBOS.cancel_workflow_async(each.workflow_id)
        log.warning(
            "job ended: this version does not know its format %s", each.app_version, extra={"job": each.workflow_id}
        )


def read(actions: Mapping[str, Action], name: str, params: dict[str, Any]) -> tuple[Action, Params]:
    """The action of a job and its parameters; raises JobOutdated when this version does not know one of them."""
    action = actions.get(name)
    if action is None:
        raise JobOutdated(f"This version of vmkops has no action {name!r}, so it cannot continue the job. {CHECK}.")
    try:
        return action, action.params.model_validate(params)
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, each["loc"])) for each in error.errors(include_input=False))
        raise JobOutdated(
            f"The parameters of the job do not fit the action {name!r} of this version of vmkops ({wrong}). {AGAIN}"
        ) from error


def why_steps_differ(name: str, error: BaseException) -> JobOutdated | RecordUnreadable:
    """The error for a job whose recorded steps are not those of the action in this version.

    `error` is what the engine raised. An action that cannot read a recorded step cleans up, with other steps than those
    that are recorded after it. The reason is then that record.
    """
    before = error.__cause__ or error.__context__
    while before is not None:
        if isinstance(before, RecordUnreadable):
            return before
        before = before.__cause__ or before.__context__
    return JobOutdated(f"The recorded steps of the job do not fit the action {name!r} of this version. {AGAIN}")
