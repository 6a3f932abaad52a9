"""`/jobs`: the latest jobs, or one job in detail."""

from __future__ import annotations

from bot.arguments import UsageError, single_argument
from bot.blocks import Reply
from bot.cards.job import job_card, job_list
from bot.commands._base import Command
from bot.request import Request


def parse(text: str) -> str:
    """The id of a job; empty for the list. Raises UsageError for more than one word."""
    job_id = single_argument(text)
    if len(job_id.split()) > 1:
        raise UsageError("A job id is one word.")
    return job_id


async def run(job_id: str, request: Request) -> Reply:
    """Reply only to the user."""
    if job_id:
        return Reply(job_card(await request.deps.service.job(job_id)))
    return Reply(job_list(await request.deps.service.jobs()))


command = Command(
    name="/jobs",
    usage="/jobs [ID]",
    summary="Lists the latest jobs, or shows one job in detail.",
    examples=("/jobs",),
    procedures=("job-stands-still", "backup-failed"),
    parse=parse,
    run=run,
)
