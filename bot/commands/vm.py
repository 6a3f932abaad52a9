"""`/vm`: a VM: is it on, where is it reached, what is it called."""

from __future__ import annotations

from urllib.parse import quote

from bot.blocks import Reply
from bot.cards.inventory import vm_card
from bot.command_text import UsageError, one_value
from bot.commands._base import Asked, Command


def parse(text: str) -> str:
    """The selector that was typed."""
    selector = one_value(text)
    if not selector:
        raise UsageError("Which VM?")
    return selector


async def run(selector: str, asked: Asked) -> Reply:
    """Answer the asker alone."""
    path = f"/vms/{quote(selector, safe='')}"
    return Reply(vm_card(await asked.desk.service.get(path, on_behalf_of=asked.on_behalf_of)))


command = Command(
    name="/vm",
    usage="/vm NAME",
    summary="Shows a VM: is it on, where is it reached, what is it called.",
    examples=("/vm web-01", "/vm ipaddr:10.0.0.7"),
    parse=parse,
    run=run,
)
