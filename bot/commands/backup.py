"""`/backup`: starts the backup of a VM and shows it in a thread."""

from __future__ import annotations

from bot.arguments import Arguments, UsageError, words_and_options
from bot.blocks import Reply
from bot.commands._base import Command
from bot.jobs.start import start_job
from bot.request import Request

COPY_TO = "copy_to"


def parse(text: str) -> Arguments:
    """The selector of the VM, its window, its save profile, and its copy targets. Raises UsageError without a VM."""
    found = words_and_options(text, ("within", "save", COPY_TO), repeatable=(COPY_TO,))
    if not found.words:
        raise UsageError("The VM is missing.")
    return found


async def run(asked: Arguments, request: Request) -> Reply | None:
    """Start the backup. A refusal before the announcement is shown only to the user."""
    return await start_job(request, "backup", {"vm": asked.words, **asked.options}, command=command.name)


command = Command(
    name="/backup",
    usage="/backup VM [within=6h] [save=NAME] [copy_to=NAMES]",
    summary="Backs up a VM and shows the progress in a thread.",
    examples=("/backup web-01", "/backup ipaddr:10.0.0.7", "/backup web-01 copy_to=nas,offsite"),
    procedures=("backup-setup", "backup-failed", "vcb-to-vmkops"),
    parse=parse,
    run=run,
)
