"""`/p2v`: the checklist that makes a physical Linux system a VM, sizes and times, and the tools."""

from __future__ import annotations

from typing import Literal, NamedTuple
from urllib.parse import urlencode, urlsplit

from bot.blocks import Reply
from bot.cards.p2v import checklist_card, estimate_card, tools_card
from bot.command_text import UsageError, one_value, with_options
from bot.commands._base import Asked, Command

NAMES = {
    "disk": "disk",
    "target": "target_ip",
    "source": "source_ip",
    "port": "port",
    "netcat": "netcat",
    "filesystem": "filesystem",
}
"""What is typed, and how the service names it."""

LISTS = ("disk", "filesystem")
LOCAL = {"127.0.0.1", "localhost", "::1"}


class Question(NamedTuple):
    """What is asked, with the query's values by the service's names."""

    about: Literal["checklist", "estimate", "tools"]
    query: dict[str, str | list[str]]


def parse(text: str) -> Question:
    """The question that was typed."""
    about, _, rest = one_value(text).partition(" ")
    if about.lower() == "tools" and not rest:
        return Question("tools", {})
    return _estimate(rest) if about.lower() == "estimate" else _checklist(text)


def _estimate(text: str) -> Question:
    size, options = with_options(text, ("rate",))
    if not size:
        raise UsageError("How large is the disk?")
    query: dict[str, str | list[str]] = {"size": size.replace(" ", "")}
    if rate := options.get("rate"):
        query["rate"] = rate.lower().removesuffix("mb/s")
    return Question("estimate", query)


def _checklist(text: str) -> Question:
    words = one_value(text).split()
    rest = [word for word in words if word.lstrip("-—–").lower() != "lvm"]
    system, options = with_options(" ".join(rest), tuple(NAMES), repeatable=LISTS)
    if not system:
        raise UsageError("Which distribution, and which version of it?")
    named = system.split()
    number = next((place for place, word in enumerate(named) if place and word[0].isdigit()), len(named))
    query: dict[str, str | list[str]] = {"distribution": " ".join(named[:number])}
    if version := " ".join(named[number:]):
        query["version"] = version
    for option, value in options.items():
        query[NAMES[option]] = value.split(",") if option in LISTS else value
    if len(rest) < len(words):
        query["lvm"] = "true"
    return Question("checklist", query)


async def run(question: Question, asked: Asked) -> Reply:
    """Answer in the channel: whoever helps with the conversion sees the same commands."""
    service = asked.desk.service
    asked_by = f"<@{asked.user}>"
    match question.about:
        case "tools":
            return Reply(tools_card(await service.p2v_tools(), asked_by=asked_by), public=True)
        case "estimate":
            size, rate = str(question.query["size"]), question.query.get("rate")
            found = await service.p2v_estimate(size, str(rate) if rate is not None else None)
            return Reply(estimate_card(found, asked_by=asked_by), public=True)
        case "checklist":
            card = checklist_card(
                await service.p2v_checklist(question.query),
                page=_page(service.url, question.query),
                asked_by=asked_by,
            )
            return Reply(card, public=True)


def _page(service_url: str, query: dict[str, str | list[str]]) -> str:
    """Where the whole checklist is; only the path when the service is known by an address of its own machine."""
    path = f"/p2v/checklist?{urlencode(query, doseq=True)}"
    return path if urlsplit(service_url).hostname in LOCAL else service_url + path


command = Command(
    name="/p2v",
    usage="/p2v DISTRIBUTION VERSION [disk=sda:SIZE ...] [target=IP] [lvm] | estimate SIZE [rate=MB/s] | tools",
    summary="Tells how a physical Linux system becomes a VM: steps and commands, sizes and times, tools.",
    examples=("/p2v centos 4 disk=sda:39070080 target=10.4.1.3", "/p2v estimate 36GB rate=80", "/p2v tools"),
    parse=parse,
    run=run,
)
