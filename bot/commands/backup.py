"""`/backup`: starts the backup of a VM and tells about it in a thread."""

from __future__ import annotations

from bot.blocks import Message, context, escape, message, section
from bot.cards.job import STATES, announcement, title
from bot.cards.problem import problem_card
from bot.commands._base import Asked, Command
from bot.threads import JobThread, link_to, open_thread, rewrite_thread
from bot.words import UsageError, one_value
from service.client import Job, JobState, Problem, ServiceError, ServiceUnavailable


def parse(text: str) -> str:
    """The selector of the VM that was typed."""
    selector = one_value(text)
    if not selector:
        raise UsageError("Which VM?")
    return selector


async def run(selector: str, asked: Asked) -> None:
    """Check the VM, announce, start, follow; what is refused before the announcement is told to the asker alone."""
    service, slack = asked.desk.service, asked.desk.slack
    vm = await service.vm(selector, on_behalf_of=asked.on_behalf_of)
    starting = Job(
        id="…",
        action="backup",
        target=str(vm.get("name") or selector),
        state=JobState.QUEUED,
        requested_by=asked.on_behalf_of,
    )
    thread = await open_thread(
        slack,
        channel=asked.channel,
        user=asked.user,
        announcement=announcement(starting),
        card=_starting_card(starting),
    )
    try:
        job = await service.act(
            "backup",
            {"vm": selector},
            on_behalf_of=asked.on_behalf_of,
            idempotency_key=f"slack:{asked.request_id}",
            reply_to=thread.as_reply_to(),
        )
    except ServiceError as refusal:
        await rewrite_thread(
            slack,
            thread,
            announcement=_not_started(starting, refusal.problem),
            card=_refusal(refusal),
        )
        return
    if JobThread.of(job) == thread:
        asked.desk.following.follow(job)
    else:
        await _point_to(job, asked, thread)


async def _point_to(job: Job, asked: Asked, thread: JobThread) -> None:
    """The VM had a job already: say where that one is told about, and follow nothing twice."""
    elsewhere = JobThread.of(job)
    link = await link_to(asked.desk.slack, elsewhere) if elsewhere else ""
    where = f"Follow it <{link}|in its thread>" if link else f"`/jobs {job.id}` shows it"
    text = f"{title(job)} was asked for already"
    line = f"ℹ️ {escape(text)} ({STATES[job.state][1]}); no second one was started. {where}."
    pointer = message(text, [section(line)])
    await rewrite_thread(asked.desk.slack, thread, announcement=pointer, card=pointer)


def _starting_card(job: Job) -> Message:
    text = f"Starting the {title(job)[0].lower()}{title(job)[1:]}…"
    return message(text, [section(f"🕓 {escape(text)}")])


def _not_started(job: Job, problem: Problem) -> Message:
    text = f"{title(job)} was not started: {problem.title}"
    return message(text, [section(f"⚠️ {escape(text)}  ·  asked for by <@{job.requested_by.partition(':')[2]}>")])


def _refusal(refusal: ServiceError) -> Message:
    card = problem_card(refusal.problem, command=command.name)
    if isinstance(refusal, ServiceUnavailable):
        card.blocks.append(context("If it did start all the same, this thread tells so within a minute."))
    return card


command = Command(
    name="/backup",
    usage="/backup VM",
    summary="Backs up a VM; the progress is told in a thread.",
    examples=("/backup web-01", "/backup ipaddr:10.0.0.7"),
    parse=parse,
    run=run,
)
