"""Cards of jobs: the card in a thread that follows the job, the announcement above it, and the list of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.blocks import Block, Message, bold, bullets, code, context, escape, header, message, person, section, shortened
from service.api.client import Job, JobState, Problem, Progress, Step, StepState
from service.api.job_words import steps_to_show, warnings_to_show
from service.api.results import facts
from service.api.units import amount, count, done_of, duration, took

CANCEL = "job_cancel"
"""The action id of the Cancel button; the button's value is the job id."""

BAR_WIDTH = 20
"""Characters in the progress bar."""

PERCENT = "percent"
"""The unit of the progress of a vSphere task."""

DETAIL_LENGTH = 200
"""Characters of a step's detail that a card shows."""

STATES = {
    JobState.AWAITING_APPROVAL: ("✋", "waiting for approval"),
    JobState.QUEUED: ("🕓", "queued"),
    JobState.RUNNING: ("⏳", "running"),
    JobState.SUCCEEDED: ("✅", "done"),
    JobState.PARTIAL: ("⚠️", "partly done"),
    JobState.FAILED: ("❌", "failed"),
    JobState.CANCELLED: ("🚫", "cancelled"),
}

UNDO = "Undo: vmkops "
"""What the service puts before the command at the end of a step's detail."""

STEPS = {
    StepState.PENDING: "▫️",
    StepState.RUNNING: "⏳",
    StepState.SUCCEEDED: "✅",
    StepState.FAILED: "❌",
    StepState.SKIPPED: "➖",
}


def job_card(job: Job) -> Message:
    """Everything about one job: state, steps, progress, result, and a Cancel button until the job has ended."""
    blocks: list[Block] = [header(title(job)), section(_status(job))]
    if job.progress and not job.state.final and (progress := progress_line(job.progress)):
        blocks.append(section(progress))
    if warned := warnings_to_show(job):
        blocks.append(section(*(f"⚠️ {shortened(escape(each), DETAIL_LENGTH)}" for each in warned)))
    if steps := steps_to_show(job):
        blocks.append(section(*(_step_line(step, job) for step in steps)))
    if job.error:
        blocks.append(section(*_error_lines(job.error)))
    if job.notes:
        blocks.append(section(*(f"⚠️ {escape(note)}" for note in job.notes)))
    if job.result and (lines := result_lines(job.result)):
        blocks.append(section(*lines))
    requested_by = f"requested by {person(job.requested_by, job.token)}" if job.requested_by else ""
    blocks.append(context(f"job {code(job.id)}", requested_by))
    if not job.state.final:
        blocks.append(_cancel_button(job))
    return message(f"{title(job)}: {_plain_status(job)}", blocks)


def announcement(job: Job) -> Message:
    """The line in the channel above the thread; it shows the state and its icon when the job has ended."""
    icon = STATES[job.state][0] if job.state.final else STATES[JobState.RUNNING][0]
    status = _plain_status(job) if job.state.final else ""
    requested_by = f"requested by {person(job.requested_by)}" if job.requested_by else ""
    line = "  ·  ".join(part for part in (f"{icon} {_bold_title(job)}", escape(status), requested_by) if part)
    return message(": ".join(filter(None, [f"{icon} {title(job)}", status])), [section(line)])


def job_list(jobs: Sequence[Job], *, at_most: int = 15) -> Message:
    """The latest jobs, one in each line, newest first."""
    if not jobs:
        text = "There are no jobs yet. Start a backup with `/backup VM`."
        return message(text, [section(text)])
    lines = [_list_line(job) for job in jobs[:at_most]]
    more = f"…and {count(len(jobs) - at_most, 'older job')}" if len(jobs) > at_most else ""
    hint = f"To see one job in detail, type {code(f'/jobs {jobs[0].id}')}"
    blocks = [header("Jobs"), section(*lines), context(more, hint)]
    return message(f"{count(len(jobs), 'job')}; the latest: {title(jobs[0])}, {_plain_status(jobs[0])}", blocks)


def title(job: Job) -> str:
    """The action and the target, such as `Backup of web-01` or `Rescan: esx-01`."""
    return f"{_action_title(job)}{job.target}"


def progress_line(progress: Progress) -> str:
    """A bar with percent, amount, rate and time left, as far as they are known; empty when nothing is known."""
    percent = progress.percent
    if percent is None and progress.total:
        percent = 100 * progress.done / progress.total
    unit = escape(progress.unit)
    parts = []
    if percent is not None:
        percent = min(max(percent, 0.0), 100.0)
        full = int(BAR_WIDTH * percent / 100)
        parts.append(f"`{'█' * full}{'░' * (BAR_WIDTH - full)}` *{int(percent)} %*")
    shows_amount = unit != PERCENT
    if shows_amount and (progress.total or progress.done):
        parts.append(done_of(progress.done, progress.total, unit))
    if progress.rate:
        parts.append(f"{amount(progress.rate, unit)}/s")
    if progress.eta_seconds is not None:
        parts.append(f"{duration(progress.eta_seconds)} left")
    if progress.delta:
        parts.append(f"snapshot {amount(progress.delta)}")
    return "  ·  ".join(parts)


def result_lines(result: dict[str, Any]) -> list[str]:
    """The values of a job's result, one in each line; tables, such as the files of a backup, are left out."""
    return [f"{escape(fact.label)}: {code(fact.text)}" for fact in facts(result) if not fact.rows]


def _action_title(job: Job) -> str:
    if job.action == "backup":
        return "Backup of "
    return f"{job.action.replace('_', ' ').replace('-', ' ').capitalize()}: "


def _bold_title(job: Job) -> str:
    return f"{escape(_action_title(job))}{bold(job.target)}"


def _plain_status(job: Job) -> str:
    words = STATES[job.state][1]
    if job.state is JobState.FAILED and job.error:
        return f"{words}: {job.error.title}"
    return words + _span(job)


def _status(job: Job) -> str:
    icon, words = STATES[job.state]
    running = next((step.name for step in job.steps if step.state is StepState.RUNNING), "")
    return "  ·  ".join(filter(None, [f"{icon} {bold(words.capitalize())}{_span(job)}", escape(running)]))


def _span(job: Job) -> str:
    span = took(job.started_at or job.created_at, job.finished_at)
    if not span:
        return ""
    return f" in {span}" if job.state is JobState.SUCCEEDED else f" after {span}"


def _step_line(step: Step, job: Job) -> str:
    """One step with its duration and detail.

    The detail of a step that succeeded is shown only when the job has ended, so that the card of a running job is
    short. A detail that is also the job's error is left out.
    """
    name = bold(step.name) if step.state is StepState.RUNNING else escape(step.name)
    span = took(step.started_at, step.finished_at)
    shows_detail = job.state.final or step.state is not StepState.SUCCEEDED
    is_error = job.error is not None and step.detail == job.error.detail
    detail = _detail(step.detail) if shows_detail and not is_error else ""
    return "  ·  ".join(filter(None, [f"{STEPS[step.state]} {name}", span if span != duration(0) else "", detail]))


def _detail(detail: str) -> str:
    """What a step did; the command of the shell that undoes it becomes the same command of Slack, and stays whole."""
    words, undo, command = detail.partition(UNDO)
    back = f"Undo: {code(f'/{command}')}" if undo else ""
    return " ".join(filter(None, [escape(shortened(words.strip(), DETAIL_LENGTH)), back]))


def _error_lines(error: Problem) -> list[str]:
    lines = [bold(error.title), escape(error.detail)]
    if error.suggestions:
        lines.append(bullets([escape(suggestion) for suggestion in error.suggestions]))
    return lines


def _list_line(job: Job) -> str:
    icon, words = STATES[job.state]
    percent = f" {int(job.progress.percent)} %" if job.progress and job.progress.percent is not None else ""
    status = words if job.state.final else words + percent
    requested_by = person(job.requested_by) if job.requested_by else ""
    return "  ·  ".join(part for part in (f"{icon} {_bold_title(job)}", status, requested_by, code(job.id)) if part)


def _cancel_button(job: Job) -> Block:
    backup = "Its snapshot is removed and the copied data is deleted."
    other = "What vSphere has already done is not undone."
    explanation = f"This stops the job “{title(job)}”. {backup if job.action == 'backup' else other}"
    return {
        "type": "actions",
        "block_id": f"job:{job.id}"[:255],
        "elements": [
            {
                "type": "button",
                "action_id": CANCEL,
                "value": job.id,
                "style": "danger",
                "text": {"type": "plain_text", "text": "Cancel"},
                "confirm": {
                    "title": {"type": "plain_text", "text": "Cancel this job?"},
                    "text": {"type": "plain_text", "text": explanation[:300]},
                    "confirm": {"type": "plain_text", "text": "Cancel the job"},
                    "deny": {"type": "plain_text", "text": "Keep it running"},
                },
            }
        ],
    }
