"""`/backup`: starts the backup of a VM and shows it in a thread."""

from __future__ import annotations

from bot.arguments import UsageError, single_argument
from bot.blocks import Reply
from bot.commands._base import Command
from bot.jobs.start import start_job
from bot.request import Request


def parse(text: str) -> str:
    """The selector of the VM. Raises UsageError when it is missing."""
    selector = single_argument(text)
    if not selector:
        raise UsageError("The VM is missing.")
    return selector


async def run(selector: str, request: Request) -> Reply | None:
    """Start the backup. A refusal before the announcement is shown only to the user."""
    return await start_job(request, "backup", {"vm": selector}, command=command.name)


command = Command(
    name="/backup",
    usage="/backup VM",
    summary="Backs up a VM and shows the progress in a thread.",
    examples=("/backup web-01", "/backup ipaddr:10.0.0.7"),
    procedures=("backup-setup", "backup-failed", "vcb-to-vmkops"),
    parse=parse,
    run=run,
)
