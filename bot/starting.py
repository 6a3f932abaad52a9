"""Starts a job for somebody in Slack: checked in private, announced, told about in a thread, and never twice."""

from __future__ import annotations

from typing import Any

from bot.blocks import Message, context, escape, message, section
from bot.cards.job import STATES, announcement, title
from bot.cards.problem import problem_card
from bot.commands._base import Asked
from bot.threads import JobThread, link_to, open_thread, rewrite_thread
from service.api.client import ActionPreview, Job, JobState, Problem, ServiceError, ServiceUnavailable


async def start_job(asked: Asked, action: str, params: dict[str, Any], *, command: str) -> None:
    """Check, announce, start, follow. `command` is what suggestions begin with.

    Raises ServiceError for what is refused before the announcement; it is told to the asker alone.
    """
    service, slack = asked.desk.service, asked.desk.slack
    preview = await service.check(action, params, on_behalf_of=asked.on_behalf_of)
    if not preview.allowed:
        raise ServiceError(refused(preview))
    starting = Job(id="…", action=action, target=preview.target, state=JobState.QUEUED, requested_by=asked.on_behalf_of)
    thread = await open_thread(
        slack,
        channel=asked.channel,
        user=asked.user,
        announcement=announcement(starting),
        card=_starting_card(starting),
    )
    try:
        job = await service.act(
            action,
            params,
            on_behalf_of=asked.on_behalf_of,
            idempotency_key=f"slack:{asked.request_id}",
            reply_to=thread.as_reply_to(),
        )
    except ServiceError as refusal:
        await rewrite_thread(
            slack,
            thread,
            announcement=_not_started(starting, refusal.problem),
            card=_refusal(refusal, command),
        )
        return
    if JobThread.of(job) == thread:
        asked.desk.following.follow(job)
    else:
        await _point_to(job, asked, thread)


def refused(preview: ActionPreview) -> Problem:
    """What the pre-flight refused, as a problem."""
    reasons = [check.message for check in preview.checks if check.severity == "refuse"]
    return Problem(title="Not now", status=409, detail=" ".join(reasons))


async def _point_to(job: Job, asked: Asked, thread: JobThread) -> None:
    """The target had a job already: say where that one is told about, and follow nothing twice."""
    elsewhere = JobThread.of(job)
    link = await link_to(asked.desk.slack, elsewhere) if elsewhere else ""
    where = f"Follow it <{link}|in its thread>" if link else f"`/jobs {job.id}` shows it"
    text = f"{title(job)} was asked for already"
    line = f"ℹ️ {escape(text)} ({STATES[job.state][1]}); no second one was started. {where}."
    pointer = message(text, [section(line)])
    await rewrite_thread(asked.desk.slack, thread, announcement=pointer, card=pointer)


def _starting_card(job: Job) -> Message:
    text = f"Starting the {title(job)[0].lower()}{title(job)[1:]}…" if job.action == "backup" else f"{title(job)}…"
    return message(text, [section(f"🕓 {escape(text)}")])


def _not_started(job: Job, problem: Problem) -> Message:
    text = f"{title(job)} was not started: {problem.title}"
    return message(text, [section(f"⚠️ {escape(text)}  ·  asked for by <@{job.requested_by.partition(':')[2]}>")])


def _refusal(refusal: ServiceError, command: str) -> Message:
    card = problem_card(refusal.problem, command=command)
    if isinstance(refusal, ServiceUnavailable):
        card.blocks.append(context("If it did start all the same, this thread tells so within a minute."))
    return card
