"""`/host`: the state, VMs and hardware of a host."""

from __future__ import annotations

from urllib.parse import quote

from bot.arguments import UsageError, single_argument
from bot.blocks import Reply
from bot.cards.inventory import host_card
from bot.commands._base import Command
from bot.request import Request


def parse(text: str) -> str:
    """The selector of the host. Raises UsageError when it is missing."""
    selector = single_argument(text)
    if not selector:
        raise UsageError("The host is missing.")
    return selector


async def run(selector: str, request: Request) -> Reply:
    """Reply only to the user."""
    path = f"/hosts/{quote(selector, safe='')}"
    return Reply(host_card(await request.deps.service.get(path, on_behalf_of=request.on_behalf_of)))


command = Command(
    name="/host",
    usage="/host NAME",
    summary="Shows a host: its state, its number of VMs, its product and its hardware.",
    examples=("/host esx-07", "/host moref:host-21"),
    procedures=("host-not-responding", "host-stuck-in-maintenance", "license-expired"),
    parse=parse,
    run=run,
)
