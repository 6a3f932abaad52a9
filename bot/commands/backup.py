"""`/backup`: starts the backup of a VM and tells about it in a thread."""

from __future__ import annotations

from bot.command_text import UsageError, one_value
from bot.commands._base import Asked, Command
from bot.starting import start_job


def parse(text: str) -> str:
    """The selector of the VM that was typed."""
    selector = one_value(text)
    if not selector:
        raise UsageError("Which VM?")
    return selector


async def run(selector: str, asked: Asked) -> None:
    """Start it; what is refused before the announcement is told to the asker alone."""
    await start_job(asked, "backup", {"vm": selector}, command=command.name)


command = Command(
    name="/backup",
    usage="/backup VM",
    summary="Backs up a VM; the progress is told in a thread.",
    examples=("/backup web-01", "/backup ipaddr:10.0.0.7"),
    parse=parse,
    run=run,
)
