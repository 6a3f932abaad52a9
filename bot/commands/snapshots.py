"""`/snapshots`: the snapshots of all VMs, oldest first, and the VMs whose disks need to be merged."""

from __future__ import annotations

from bot.arguments import Arguments, UsageError, words_and_options
from bot.blocks import Reply
from bot.cards.inventory import snapshots_card
from bot.cards.unmerged import unmerged_card
from bot.commands._base import Command
from bot.request import Request

NEEDS, OLDER = "needs", "older_than_hours"
CONSOLIDATION = "consolidation"


def parse(text: str) -> Arguments:
    """A part of the name of the VM or of the snapshot, empty for all, and the options."""
    found = words_and_options(text, (NEEDS, OLDER))
    if found.options.get(NEEDS, CONSOLIDATION) != CONSOLIDATION:
        raise UsageError(f"The only thing to ask for is {NEEDS}={CONSOLIDATION}.")
    return found


async def run(asked: Arguments, request: Request) -> Reply:
    """Reply only to the user."""
    found = await request.deps.service.get(
        "/snapshots", on_behalf_of=request.on_behalf_of, q=asked.words, **asked.options
    )
    if NEEDS in asked.options:
        return Reply(unmerged_card(found))
    return Reply(snapshots_card(found["snapshots"], several=len(found.get("inventory", ())) > 1))


command = Command(
    name="/snapshots",
    usage="/snapshots [WORDS] [needs=consolidation] [older_than_hours=HOURS]",
    summary="Lists the snapshots of all VMs, oldest first, with their age, size and owner, and VMs to consolidate.",
    examples=("/snapshots", "/snapshots web-01", "/snapshots needs=consolidation"),
    procedures=("snapshot-left-behind", "snapshot-chain-too-deep", "consolidation-needed"),
    parse=parse,
    run=run,
)
