"""`/snapshots`: every snapshot there is, the oldest first."""

from __future__ import annotations

from bot.blocks import Reply
from bot.cards.inventory import snapshots_card
from bot.command_text import one_value
from bot.commands._base import Asked, Command


def parse(text: str) -> str:
    """A part of the VM's or the snapshot's name; empty for all."""
    return one_value(text)


async def run(words: str, asked: Asked) -> Reply:
    """Answer the asker alone."""
    found = await asked.desk.service.get("/snapshots", on_behalf_of=asked.on_behalf_of, q=words)
    return Reply(snapshots_card(found["snapshots"]))


command = Command(
    name="/snapshots",
    usage="/snapshots [WORDS]",
    summary="Lists the snapshots of all VMs, the oldest first: whose they are, how old and how large.",
    examples=("/snapshots", "/snapshots web-01"),
    parse=parse,
    run=run,
)
