"""`/jobs`: the latest jobs, or one of them in full."""

from __future__ import annotations

from bot.blocks import Reply
from bot.cards.job import job_card, job_list
from bot.command_text import UsageError, one_value
from bot.commands._base import Asked, Command


def parse(text: str) -> str:
    """The id of a job; empty for the list."""
    job_id = one_value(text)
    if len(job_id.split()) > 1:
        raise UsageError("A job's id is one word.")
    return job_id


async def run(job_id: str, asked: Asked) -> Reply:
    """Answer the asker alone: a look at the jobs is no news for the channel."""
    if job_id:
        return Reply(job_card(await asked.desk.service.job(job_id)))
    return Reply(job_list(await asked.desk.service.jobs()))


command = Command(
    name="/jobs",
    usage="/jobs [ID]",
    summary="Lists the latest jobs, or shows one in full.",
    examples=("/jobs",),
    parse=parse,
    run=run,
)
