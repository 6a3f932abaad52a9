"""The Cancel button on the card of a job."""

from __future__ import annotations

from bot.blocks import Reply, escape, message, section
from bot.cards.job import CANCEL, title
from bot.commands._base import Asked
from bot.interactive._base import Button


async def run(job_id: str, asked: Asked) -> Reply:
    """Ask for the end of the job; the card in its thread shows how it goes."""
    job = await asked.desk.service.cancel(job_id, on_behalf_of=asked.on_behalf_of)
    text = f"{title(job)}: cancelled." if job.state.final else f"{title(job)} is being stopped and cleaned up."
    return Reply(message(text, [section(f"🚫 {escape(text)}")]))


button = Button(action_id=CANCEL, run=run)
