"""`/iscsi`: judges an iSCSI name, reads an address, and says how targets are found."""

from __future__ import annotations

from typing import Literal, NamedTuple

from bot.blocks import Reply
from bot.cards.iscsi import address_card, discovery_card, name_card
from bot.command_text import UsageError, one_value
from bot.commands._base import Asked, Command


class Question(NamedTuple):
    """What is asked about which text."""

    about: Literal["name", "address", "discovery"]
    text: str


def parse(text: str) -> Question:
    """The question that was typed; what does not begin with a word of ours is a name."""
    typed = _given(text, "name")
    word, _, rest = typed.partition(" ")
    match word.lower():
        case "discovery":
            return Question("discovery", "")
        case "address":
            return Question("address", _given(rest, "address"))
        case "validate":
            return Question("name", _given(rest, "name"))
        case _:
            return Question("name", typed)


def _given(text: str, what: str) -> str:
    value = one_value(text)
    if not value:
        raise UsageError(f"Which {what}?")
    return value


async def run(question: Question, asked: Asked) -> Reply:
    """Answer in the channel: an invalid name is an answer too."""
    service, asked_by = asked.desk.service, f"<@{asked.user}>"
    if question.about == "discovery":
        return Reply(discovery_card(await service.iscsi_discovery(), asked_by=asked_by), public=True)
    if question.about == "address":
        return Reply(address_card(await service.iscsi_address(question.text), asked_by=asked_by), public=True)
    return Reply(name_card(await service.iscsi_name(question.text), asked_by=asked_by), public=True)


command = Command(
    name="/iscsi",
    usage="/iscsi NAME | address HOST[:PORT],NAME | discovery",
    summary="Says whether an iSCSI name is valid, what it tells, and who refuses it all the same.",
    examples=(
        "/iscsi iqn.2001-04.com.example:disk1",
        "/iscsi address 192.0.2.10:3260,iqn.2001-04.com.example:disk1",
        "/iscsi discovery",
    ),
    parse=parse,
    run=run,
)
