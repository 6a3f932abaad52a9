"""Starts a job for a Slack user: checks it, announces it in the channel, and shows it in a thread; never twice."""

from __future__ import annotations

from collections.abc import Mapping

from bot.blocks import Message, code, context, escape, message, person, section
from bot.cards.job import STATES, announcement, title
from bot.cards.problem import problem_card
from bot.jobs.thread import JobThread, link_to, open_thread, replace_messages
from bot.request import Request
from service.api.client import ActionPreview, Job, JobState, Problem, ServiceError, ServiceUnavailable


async def start_job(request: Request, action: str, params: Mapping[str, str], *, command: str) -> None:
    """Check the action, announce it, start it, and keep its thread up to date until it ends.

    `params` are the action's parameters by name. `command` is put before suggestions so that they can be copied.
    Raises ServiceError when the action is refused before the announcement, and CannotPost when Slack refuses the
    announcement; nothing is started then. A refusal after the announcement replaces both messages.
    """
    service, slack = request.deps.service, request.deps.slack
    preview = await service.check(action, dict(params), on_behalf_of=request.on_behalf_of)
    if not preview.allowed:
        raise ServiceError(refusal_of(preview))
    starting = Job(
        id="…", action=action, target=preview.target, state=JobState.QUEUED, requested_by=request.on_behalf_of
    )
    thread = await open_thread(
        slack,
        channel=request.channel,
        user=request.user,
        announcement=announcement(starting),
        card=_starting_card(starting),
    )
    try:
        job = await service.act(
            action,
            dict(params),
            on_behalf_of=request.on_behalf_of,
            idempotency_key=f"slack:{request.trigger_id}",
            reply_to=thread.as_reply_to(),
        )
    except ServiceError as refusal:
        await replace_messages(
            slack,
            thread,
            announcement=_not_started(starting, refusal.problem),
            card=_refusal_card(refusal, command),
        )
        return
    if JobThread.of(job) == thread:
        request.deps.updates.follow(job)
    else:
        await _point_to_existing(job, request, thread)


def refusal_of(preview: ActionPreview) -> Problem:
    """The checks that refuse the action, as a problem."""
    reasons = [check.message for check in preview.checks if check.severity == "refuse"]
    return Problem(title="Refused by the pre-flight check", status=409, detail=" ".join(reasons))


async def _point_to_existing(job: Job, request: Request, thread: JobThread) -> None:
    """Point to the job that the target already has; its own thread, if any, is kept up to date."""
    existing = JobThread.of(job)
    link = await link_to(request.deps.slack, existing) if existing else ""
    where = f"Follow it <{link}|in its thread>." if link else f"To see it, type {code(f'/jobs {job.id}')}."
    text = f"{title(job)} was already requested"
    line = f"ℹ️ {escape(text)} ({STATES[job.state][1]}). No second job was started. {where}"
    pointer = message(text, [section(line)])
    await replace_messages(request.deps.slack, thread, announcement=pointer, card=pointer)


def _starting_card(job: Job) -> Message:
    text = f"Starting the {title(job)[0].lower()}{title(job)[1:]}…" if job.action == "backup" else f"{title(job)}…"
    return message(text, [section(f"🕓 {escape(text)}")])


def _not_started(job: Job, problem: Problem) -> Message:
    text = f"{title(job)} was not started: {problem.title}"
    return message(text, [section(f"⚠️ {escape(text)}  ·  requested by {person(job.requested_by)}")])


def _refusal_card(refusal: ServiceError, command: str) -> Message:
    card = problem_card(refusal.problem, command=command)
    if isinstance(refusal, ServiceUnavailable):
        card.blocks.append(context("If the job started anyway, this thread shows it within a minute."))
    return card
