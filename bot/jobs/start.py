"""Starts a job for a Slack user: checks it, asks before harm, announces it, and shows it in a thread; never twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.blocks import VALUE_LENGTH, Message, Reply, code, context, escape, message, person, section
from bot.cards.confirmation import confirmation_card
from bot.cards.job import STATES, announcement, title
from bot.cards.problem import problem_card
from bot.jobs.confirmations import Confirmation
from bot.jobs.thread import JobThread, link_to, open_thread, replace_messages
from bot.request import Request
from service.api.client import ActionPreview, Job, JobState, Problem, ServiceError, ServiceUnavailable


async def start_job(request: Request, action: str, params: Mapping[str, Any], *, command: str) -> Reply | None:
    """Check the action, and start it; a disruptive or destructive one is not started: the reply asks first.

    `params` are the action's parameters by name. `command` is put before suggestions so that they can be copied.
    Raises ServiceError when the checks refuse the action, and what `start_checked` raises.
    """
    preview = await check(request, action, params)
    if preview.class_.asks_first:
        return ask(request, preview, params)
    await start_checked(request, preview, params, command=command, idempotency_key=f"slack:{request.trigger_id}")
    return None


async def check(request: Request, action: str, params: Mapping[str, Any]) -> ActionPreview:
    """The dry run of an action; raises ServiceError when the checks refuse it.

    A name that is still to be typed again is no refusal: the card asks for it.
    """
    preview = await request.deps.service.check(action, dict(params), on_behalf_of=request.on_behalf_of)
    if not preview.may_be_asked:
        raise ServiceError(refusal_of(preview))
    return preview


def ask(request: Request, preview: ActionPreview, params: Mapping[str, Any], *, again: str = "") -> Reply:
    """The card that asks the user, only for the user.

    `again`, the reason why it is asked again, lets it replace the card that the user has answered.

    Raises ServiceError when the parameters do not fit into a button.
    """
    label = preview.label or f"{preview.action} of {preview.target}"
    asked = Confirmation.of(preview.action, params, label=label, user=request.user, shown=preview.fingerprint)
    value = request.deps.confirmations.seal(asked)
    if len(value) > VALUE_LENGTH:
        detail = "The parameters are too long for a button in Slack. Use `vmkops action` in the shell."
        raise ServiceError(Problem(title="Too long for Slack", status=400, detail=detail))
    return Reply(confirmation_card(asked, preview, value, again=again), replaces=bool(again))


async def start_checked(
    request: Request, preview: ActionPreview, params: Mapping[str, Any], *, command: str, idempotency_key: str
) -> None:
    """Announce an action that the checks allow, start it, and keep its thread up to date until it ends.

    Raises CannotPost when Slack refuses the announcement; nothing is started then. A refusal after the announcement
    replaces both messages.
    """
    service, slack, action = request.deps.service, request.deps.slack, preview.action
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
            idempotency_key=idempotency_key,
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
