"""`/vmkerr`: what a vmkernel status code means, in every ESX release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bot.blocks import Reply
from bot.cards.decoded import decoded_card
from bot.cards.vmkerr import vmkerr_card
from bot.command_text import UsageError, with_options
from bot.commands._base import Asked, Command
from service.api.client import Problem, ServiceError


class Lookup(NamedTuple):
    """A code, name, errno or words, and the release to narrow to."""

    query: str
    release: str | None


def parse(text: str) -> Lookup:
    """The lookup that was typed."""
    query, options = with_options(text, ("release",))
    if not query:
        raise UsageError("Which code?")
    return Lookup(query=query, release=options.get("release"))


async def run(lookup: Lookup, asked: Asked) -> Reply:
    """Answer in the channel: whoever works on the incident sees the same reading."""
    service, asked_by = asked.desk.service, f"<@{asked.user}>"
    known = [release.id for release in await service.releases()]
    if is_log_line(lookup.query):
        decoded = await service.decode(lookup.query, lookup.release)
        if decoded.findings:
            return Reply(decoded_card(lookup.query, decoded.findings, known, asked_by=asked_by), public=True)
    try:
        answer = await service.vmkerr(lookup.query, lookup.release)
    except ServiceError as refusal:
        raise ServiceError(_typable(refusal.problem, lookup, known)) from refusal
    return Reply(vmkerr_card(answer, known, asked_by=asked_by), public=True)


def is_log_line(query: str) -> bool:
    """Whether the query is more than a code, a name or words: several words with a number among them."""
    return " " in query and any(character.isdigit() for character in query)


def _typable(problem: Problem, lookup: Lookup, known: Sequence[str]) -> Problem:
    """The problem with suggestions that can be typed after `/vmkerr`: a release is no query by itself."""
    suggestions = [
        f"{lookup.query} release={suggestion}" if suggestion in known else suggestion
        for suggestion in problem.suggestions
    ]
    return problem.model_copy(update={"suggestions": suggestions})


command = Command(
    name="/vmkerr",
    usage="/vmkerr CODE | name | errno | words | pasted log line [release=R]",
    summary="Says what a vmkernel status code means, release by release.",
    examples=("/vmkerr 0xbad0022", "/vmkerr reservation conflict", "/vmkerr EBUSY release=esxi-6.0"),
    parse=parse,
    run=run,
)
