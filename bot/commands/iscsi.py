"""`/iscsi`: validates an iSCSI name, parses an address, and explains target discovery."""

from __future__ import annotations

from typing import Literal, NamedTuple

from bot.arguments import UsageError, single_argument
from bot.blocks import Reply
from bot.cards.iscsi import address_card, discovery_card, name_card
from bot.commands._base import Command
from bot.request import Request


class IscsiQuery(NamedTuple):
    """The subject of the question, and the name or address to examine."""

    subject: Literal["name", "address", "discovery"]
    text: str


def parse(text: str) -> IscsiQuery:
    """The question. Text that does not begin with a known word is a name. Raises UsageError when it is missing."""
    typed = _required(text, "name")
    word, _, rest = typed.partition(" ")
    match word.lower():
        case "discovery":
            return IscsiQuery("discovery", "")
        case "address":
            return IscsiQuery("address", _required(rest, "address"))
        case "validate":
            return IscsiQuery("name", _required(rest, "name"))
        case _:
            return IscsiQuery("name", typed)


def _required(text: str, what: str) -> str:
    value = single_argument(text)
    if not value:
        raise UsageError(f"The {what} is missing.")
    return value


async def run(query: IscsiQuery, request: Request) -> Reply:
    """Reply in the channel, also for an invalid name."""
    service, asked_by = request.deps.service, request.mention
    if query.subject == "discovery":
        return Reply(discovery_card(await service.iscsi_discovery(), asked_by=asked_by), public=True)
    if query.subject == "address":
        return Reply(address_card(await service.iscsi_address(query.text), asked_by=asked_by), public=True)
    return Reply(name_card(await service.iscsi_name(query.text), asked_by=asked_by), public=True)


command = Command(
    name="/iscsi",
    usage="/iscsi NAME | address HOST[:PORT],NAME | discovery",
    summary="Checks whether an iSCSI name is valid, explains its parts, and lists the products that disagree.",
    examples=(
        "/iscsi iqn.2001-04.com.example:disk1",
        "/iscsi address 192.0.2.10:3260,iqn.2001-04.com.example:disk1",
        "/iscsi discovery",
    ),
    procedures=("iscsi-names", "iscsi-discovery"),
    parse=parse,
    run=run,
)
