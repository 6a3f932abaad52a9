"""`/vm`: the power state, address and identifiers of a VM."""

from __future__ import annotations

from bot.arguments import UsageError, single_argument
from bot.blocks import Reply
from bot.cards.inventory import vm_card
from bot.commands._base import Command
from bot.request import Request


def parse(text: str) -> str:
    """The selector of the VM. Raises UsageError when it is missing."""
    selector = single_argument(text)
    if not selector:
        raise UsageError("The VM is missing.")
    return selector


async def run(selector: str, request: Request) -> Reply:
    """Reply only to the user."""
    return Reply(vm_card(await request.deps.service.vm(selector, on_behalf_of=request.on_behalf_of)))


command = Command(
    name="/vm",
    usage="/vm NAME",
    summary="Shows a VM: its power state, IP address, size and identifiers.",
    examples=("/vm web-01", "/vm ipaddr:10.0.0.7"),
    procedures=("vm-invalid-or-orphaned", "vm-stuck-at-95-percent", "file-locked"),
    parse=parse,
    run=run,
)
