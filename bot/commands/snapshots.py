"""`/snapshots`: the snapshots of all VMs, oldest first."""

from __future__ import annotations

from bot.arguments import single_argument
from bot.blocks import Reply
from bot.cards.inventory import snapshots_card
from bot.commands._base import Command
from bot.request import Request


def parse(text: str) -> str:
    """A part of the name of the VM or of the snapshot; empty for all snapshots."""
    return single_argument(text)


async def run(words: str, request: Request) -> Reply:
    """Reply only to the user."""
    found = await request.deps.service.get("/snapshots", on_behalf_of=request.on_behalf_of, q=words)
    return Reply(snapshots_card(found["snapshots"]))


command = Command(
    name="/snapshots",
    usage="/snapshots [WORDS]",
    summary="Lists the snapshots of all VMs, oldest first, with their age, size and owner.",
    examples=("/snapshots", "/snapshots web-01"),
    procedures=("snapshot-left-behind", "snapshot-chain-too-deep", "consolidation-needed"),
    parse=parse,
    run=run,
)
