"""The Cancel button on the card of a job."""

from __future__ import annotations

from bot.blocks import Reply, escape, message, section
from bot.buttons._base import Button
from bot.cards.job import CANCEL, title
from bot.request import Request


async def run(job_id: str, request: Request) -> Reply:
    """Cancel the job; the card in its thread shows how the job ends."""
    job = await request.deps.service.cancel(job_id, on_behalf_of=request.on_behalf_of)
    text = f"{title(job)}: cancelled." if job.state.final else f"{title(job)} is being stopped and cleaned up."
    return Reply(message(text, [section(f"🚫 {escape(text)}")]))


button = Button(action_id=CANCEL, run=run)
