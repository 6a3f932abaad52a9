"""Jobs in words for terminals and for HTTP as text; pure."""

from __future__ import annotations

from datetime import UTC, tzinfo

from service.api.models import Job, JobState, Progress, Step, StepState
from service.api.results import result_words
from service.api.units import amount, done_of, duration, took, when

STATES = {JobState.AWAITING_APPROVAL: "waiting for approval", JobState.PARTIAL: "partly done"}
"""The words for the states that are not words by themselves."""
NEXT = {
    JobState.AWAITING_APPROVAL: "Cancel it: vmkops jobs {id} --cancel",
    JobState.QUEUED: "It waits for its turn. Follow it: vmkops jobs {id} --watch. Cancel it: vmkops jobs {id} --cancel",
    JobState.RUNNING: "Follow it: vmkops jobs {id} --watch. Cancel it: vmkops jobs {id} --cancel",
    JobState.PARTIAL: "What is missing is above. When you have mended it, start the action again.",
    JobState.FAILED: "Mend the reason above, then start the action again.",
}
"""What to do next with a job in each state."""


def state_words(job: Job) -> str:
    """The state of a job, such as `running` or `partly done`."""
    return STATES.get(job.state, job.state.value)


def step_state(state: StepState) -> str:
    """The state of a step, such as `running`, or `not done` for one that a job did not reach."""
    return "not done" if state is StepState.SKIPPED else state.value


def steps_to_show(job: Job) -> list[Step]:
    """The steps that people see: without those that a job which has done its work did not need."""
    whole = job.state in {JobState.SUCCEEDED, JobState.PARTIAL}
    return [step for step in job.steps if not (whole and step.state is StepState.SKIPPED)]


def warnings_to_show(job: Job) -> list[str]:
    """What the checks before the start warned of, without what a step of the job says itself."""
    return [each for each in job.warnings if not any(each in step.detail for step in job.steps)]


def progress_words(now: Progress) -> str:
    """How far a job is: `1.8 GB of 4.2 GB (43 %), 85.2 MB/s, 28 s left`, or `42 %`."""
    percent = f"{now.percent:.0f} %" if now.percent is not None else ""
    if now.unit == "percent":
        parts = [percent or f"{now.done} %"]
    else:
        parts = [done_of(now.done, now.total, now.unit)]
        parts[0] += f" ({percent})" if percent else ""
        parts += [f"{amount(now.rate, now.unit)}/s"] if now.rate else []
    parts += [f"{duration(now.eta_seconds)} left"] if now.eta_seconds is not None else []
    parts += [f"snapshot {amount(now.delta)}"] if now.delta else []
    return ", ".join(parts)


def job_words(job: Job, zone: tzinfo | None = UTC) -> str:
    """Everything about a job: who asked, when, where it runs, its steps with their times, its result, and what next."""
    lines = [f"{job.action} of {job.target}: {state_words(job)}", f"  job         {job.id}"]
    lines += [f"  asked by    {job.requester}, {when(job.created_at, zone)}"] if job.created_at else []
    lines += [f"  started     {when(job.started_at, zone)}"] if job.started_at else []
    lines += [f"  ended       {when(job.finished_at, zone)}{_after(job)}"] if job.finished_at else []
    if job.executor:
        lines.append(f"  {'ran on' if job.state.final else 'runs on':<10}  {job.executor}")
    if job.progress and not job.state.final:
        lines.append(f"  progress    {progress_words(job.progress)}")
        lines += [f"              {file.name}: {done_of(file.done, file.total)}" for file in job.progress.files]
    lines += [f"  warning     {each}" for each in warnings_to_show(job)]
    if steps := _steps(job, zone):
        lines += ["", *steps]
    if job.error:
        lines += ["", job.error.detail, *(f"  {each}" for each in job.error.suggestions)]
    if job.result and (words := result_words(job.result, zone)):
        lines += ["", words.rstrip("\n")]
    lines += [f"Started by job {job.parent}"] if job.parent else []
    lines += [f"Later: {note}" for note in job.notes]
    if job.state in NEXT:
        lines += ["", NEXT[job.state].format(id=job.id)]
    return "\n".join(lines) + "\n"


def _steps(job: Job, zone: tzinfo | None) -> list[str]:
    lines, shown = [], steps_to_show(job)
    width = max((len(when(step.started_at, zone)) for step in shown), default=0)
    for step in shown:
        at = when(step.started_at, zone)
        span = took(step.started_at, step.finished_at)
        detail = f": {step.detail}" if step.detail and not (job.error and step.detail == job.error.detail) else ""
        lines.append(f"  {step_state(step.state):<10} {at:<{width}}  {span:>9}  {step.name}{detail}")
    return lines


def _after(job: Job) -> str:
    span = took(job.started_at or job.created_at, job.finished_at)
    return f", after {span}" if span else ""
