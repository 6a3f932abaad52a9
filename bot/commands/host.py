"""`/host`: a host: is it in service, and what runs on it."""

from __future__ import annotations

from urllib.parse import quote

from bot.blocks import Reply
from bot.cards.inventory import host_card
from bot.command_text import UsageError, one_value
from bot.commands._base import Asked, Command


def parse(text: str) -> str:
    """The selector that was typed."""
    selector = one_value(text)
    if not selector:
        raise UsageError("Which host?")
    return selector


async def run(selector: str, asked: Asked) -> Reply:
    """Answer the asker alone."""
    path = f"/hosts/{quote(selector, safe='')}"
    return Reply(host_card(await asked.desk.service.get(path, on_behalf_of=asked.on_behalf_of)))


command = Command(
    name="/host",
    usage="/host NAME",
    summary="Shows a host: is it in service, and what runs on it.",
    examples=("/host esx-07", "/host moref:host-21"),
    parse=parse,
    run=run,
)
