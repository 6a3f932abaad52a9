"""Builds the job that callers see from the engine's record and the job's own events; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from service.api.models import Job, JobState, Problem, Progress, Step, StepState
from service.api.redaction import redact, redact_json, redact_params
from service.api.words import in_one_line
from service.errors import RecordUnreadable
from service.jobs.action import Ended
from service.jobs.job_run import NOW, PROGRESS

OUTCOME = "outcome"
"""The attribute with the outcome of a workflow that no process can continue; other workflows return their outcome."""
NOTES = "notes"
"""The attribute with what came of a job after its end: a list of sentences."""
WARNINGS = "warnings"
"""The attribute with what the checks before the start warned of: a list of sentences."""
PARENT = "parent"
"""The attribute with the id of the job that started this one."""
LIVE = {"ENQUEUED": JobState.QUEUED, "DELAYED": JobState.QUEUED, "PENDING": JobState.RUNNING}


def job(
    status: Any,
    recorded: Sequence[Mapping[str, Any]],
    events: Mapping[str, Any],
    planned: Sequence[str],
    executor: str = "",
    words: Mapping[str, str] | None = None,
) -> Job:
    """The job from its workflow status, its recorded steps, its events, and the names of its action's steps.

    `executor` names the process that runs the job, for people, and `words` the steps that they know by another name.
    """
    attributes, outcome, state = status.attributes or {}, outcome_of(status), state_of(status)
    return Job(
        id=status.workflow_id,
        action=attributes.get("action", ""),
        target=redact(attributes.get("target", "")),
        vcenter=attributes.get("vcenter", ""),
        state=state,
        params=redact_params(attributes.get("params", {})),
        steps=steps(recorded, events.get(NOW), planned, state, words or {}),
        progress=Progress.model_validate(events[PROGRESS]) if PROGRESS in events else None,
        error=_error(state, status, outcome),
        result=redact_json(outcome.get("result")),
        requested_by=attributes.get("requested_by", ""),
        token=attributes.get("token", ""),
        warnings=[redact(each) for each in attributes.get(WARNINGS, [])],
        created_at=_time(status.created_at) or "",
        started_at=_time(status.dequeued_at),
        finished_at=_time(status.completed_at) if state.final else None,
        notes=attributes.get(NOTES, []),
        reply_to=attributes.get("reply_to"),
        executor=executor if status.dequeued_at else "",
        parent=attributes.get(PARENT, ""),
    )


def ended(status: Any) -> Ended:
    """How the job of this workflow, which has ended, ended."""
    state = state_of(status)
    error = _error(state, status, outcome_of(status))
    at = datetime.fromtimestamp((status.completed_at or status.updated_at) / 1000, UTC)
    return Ended(state=state, why=error.detail if error else "", at=at)


def state_of(status: Any) -> JobState:
    """The state of the job with this workflow status."""
    return _state(status.status, outcome_of(status))


def outcome_of(status: Any) -> Mapping[str, Any]:
    """What a workflow returned, or what was noted when it was ended; empty when there is neither."""
    noted = (status.attributes or {}).get(OUTCOME)
    return noted or (status.output if isinstance(status.output, dict) else {})


def problem_of(recorded: Mapping[str, Any]) -> Problem:
    """A recorded problem as it is shown; an earlier version may have recorded secret parts of a URL."""
    return Problem.model_validate(redact_json(recorded))


def steps(
    recorded: Sequence[Mapping[str, Any]],
    now: Mapping[str, Any] | None,
    planned: Sequence[str],
    state: JobState,
    words: Mapping[str, str],
) -> list[Step]:
    """Each planned step with its state; the parts of a step, such as one for each disk, are shown as one."""
    shown = []
    for name in planned:
        parts = [item for item in recorded if _step_name(item) == name]
        running = not state.final and now is not None and now["step"] == name
        running = running and not any(_part(item) == now["part"] for item in parts if now)
        said = now.get("detail", "") if running and now else ""
        started = [item["started_at_epoch_ms"] for item in parts if item.get("started_at_epoch_ms")]
        ended = [item["completed_at_epoch_ms"] for item in parts if item.get("completed_at_epoch_ms")]
        if any(item.get("error") is not None for item in parts):
            step_state = StepState.FAILED
        elif running:
            step_state = StepState.RUNNING
        elif parts:
            step_state = StepState.SUCCEEDED
        else:
            step_state = StepState.SKIPPED if state.final else StepState.PENDING
        shown.append(
            Step(
                name=words.get(name, name),
                state=step_state,
                started_at=_time(min(started)) if started else (now["at"] if running and now else None),
                finished_at=_time(max(ended)) if ended and not running else None,
                detail=redact(in_one_line([*map(_detail, parts), said])),
            )
        )
    return shown


def _step_name(item: Mapping[str, Any]) -> str:
    return str(item["function_name"]).partition(": ")[0]


def _part(item: Mapping[str, Any]) -> str:
    return str(item["function_name"]).partition(": ")[2]


def _detail(item: Mapping[str, Any]) -> str:
    if (error := item.get("error")) is not None:
        return str(error if isinstance(error, Exception) else RecordUnreadable())
    output = item.get("output")
    return str(output.get("detail", "")) if isinstance(output, dict) else ""


def _state(status: str, outcome: Mapping[str, Any]) -> JobState:
    if status in LIVE:
        return LIVE[status]
    if "state" in outcome:
        return JobState(outcome["state"])
    return JobState.CANCELLED if status == "CANCELLED" else JobState.FAILED


def _error(state: JobState, status: Any, outcome: Mapping[str, Any]) -> Problem | None:
    if outcome.get("error"):
        return problem_of(outcome["error"])
    if state is JobState.FAILED:
        # The engine answers with the text of a record, not with its value, when it cannot read the record.
        if isinstance(status.error, (RecordUnreadable, str)) or isinstance(status.output, str):
            return RecordUnreadable().problem()
        reason = redact(str(status.error or status.status))
        detail = f"The job ended unexpectedly: {reason}. See the log of the service."
        return Problem(type="urn:vmkops:error", title="Job failed", status=500, detail=detail)
    return None


def _time(milliseconds: int | None) -> str | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat() if milliseconds else None
