"""`/p2v`: the checklist to convert a physical Linux system into a VM, transfer times, and the tools."""

from __future__ import annotations

from typing import Literal, NamedTuple
from urllib.parse import urlencode

from bot.arguments import UsageError, single_argument, words_and_options
from bot.blocks import Reply
from bot.cards.links import page_link
from bot.cards.p2v import checklist_card, estimate_card, tools_card
from bot.commands._base import Command
from bot.request import Request

PARAMETERS = {
    "disk": "disk",
    "target": "target_ip",
    "source": "source_ip",
    "port": "port",
    "netcat": "netcat",
    "filesystem": "filesystem",
}
"""The options as they are typed, and their names at the service."""

REPEATABLE = ("disk", "filesystem")


class P2vQuery(NamedTuple):
    """The subject of the question, and the query parameters by their names at the service."""

    subject: Literal["checklist", "estimate", "tools"]
    parameters: dict[str, str | list[str]]


def parse(text: str) -> P2vQuery:
    """The question. Raises UsageError when something is missing."""
    subject, _, rest = single_argument(text).partition(" ")
    if subject.lower() == "tools" and not rest:
        return P2vQuery("tools", {})
    return _estimate(rest) if subject.lower() == "estimate" else _checklist(text)


def _estimate(text: str) -> P2vQuery:
    size, options = words_and_options(text, ("rate",))
    if not size:
        raise UsageError("The size of the disk is missing.")
    query: dict[str, str | list[str]] = {"size": size.replace(" ", "")}
    if rate := options.get("rate"):
        query["rate"] = rate.lower().removesuffix("mb/s")
    return P2vQuery("estimate", query)


def _checklist(text: str) -> P2vQuery:
    words = single_argument(text).split()
    rest = [word for word in words if word.lstrip("-—–").lower() != "lvm"]
    system, options = words_and_options(" ".join(rest), tuple(PARAMETERS), repeatable=REPEATABLE)
    if not system:
        raise UsageError("The distribution is missing.")
    named = system.split()
    number = next((place for place, word in enumerate(named) if place and word[0].isdigit()), len(named))
    query: dict[str, str | list[str]] = {"distribution": " ".join(named[:number])}
    if version := " ".join(named[number:]):
        query["version"] = version
    for option, value in options.items():
        query[PARAMETERS[option]] = value.split(",") if option in REPEATABLE else value
    if len(rest) < len(words):
        query["lvm"] = "true"
    return P2vQuery("checklist", query)


async def run(query: P2vQuery, request: Request) -> Reply:
    """Reply in the channel, so that everyone who helps with the conversion sees the same commands."""
    service = request.deps.service
    asked_by = request.mention
    match query.subject:
        case "tools":
            return Reply(tools_card(await service.p2v_tools(), asked_by=asked_by), public=True)
        case "estimate":
            size, rate = str(query.parameters["size"]), query.parameters.get("rate")
            found = await service.p2v_estimate(size, str(rate) if rate is not None else None)
            return Reply(estimate_card(found, asked_by=asked_by), public=True)
        case "checklist":
            path = f"/p2v/checklist?{urlencode(query.parameters, doseq=True)}"
            card = checklist_card(
                await service.p2v_checklist(query.parameters),
                page=page_link(service.public_url, path, "all steps with their checks"),
                asked_by=asked_by,
            )
            return Reply(card, public=True)


command = Command(
    name="/p2v",
    usage="/p2v DISTRIBUTION VERSION [disk=sda:SIZE ...] [target=IP] [lvm] | estimate SIZE [rate=MB/s] | tools",
    summary="Shows how to convert a physical Linux system into a VM: steps and commands, sizes and times, tools.",
    examples=("/p2v centos 4 disk=sda:39070080 target=10.4.1.3", "/p2v estimate 36GB rate=80", "/p2v tools"),
    procedures=("linux-p2v",),
    parse=parse,
    run=run,
)
