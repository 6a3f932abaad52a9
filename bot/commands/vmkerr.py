"""`/vmkerr`: what a vmkernel status code means in each ESX release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bot.arguments import UsageError, words_and_options
from bot.blocks import Reply
from bot.cards.decoded import decoded_card
from bot.cards.vmkerr import vmkerr_card
from bot.commands._base import Command
from bot.request import Request
from service.api.client import Problem, ServiceError


class Lookup(NamedTuple):
    """A code, name, errno, words or a log line, and the release to search in (None for all)."""

    query: str
    release: str | None


def parse(text: str) -> Lookup:
    """The lookup. Raises UsageError when the query is missing."""
    query, options = words_and_options(text, ("release",))
    if not query:
        raise UsageError("The code to look up is missing.")
    return Lookup(query=query, release=options.get("release"))


async def run(lookup: Lookup, request: Request) -> Reply:
    """Reply in the channel, so that everyone who works on the incident sees the same meaning."""
    service = request.deps.service
    known = [release.id for release in await service.releases()]
    if is_log_line(lookup.query):
        decoded = await service.decode(lookup.query, lookup.release)
        if decoded.findings:
            card = decoded_card(
                lookup.query, decoded.findings, known, service_url=service.public_url, asked_by=request.mention
            )
            return Reply(card, public=True)
    try:
        answer = await service.vmkerr(lookup.query, lookup.release)
    except ServiceError as refusal:
        raise ServiceError(_with_whole_commands(refusal.problem, lookup, known)) from refusal
    return Reply(vmkerr_card(answer, known, asked_by=request.mention), public=True)


def is_log_line(query: str) -> bool:
    """Whether the query is a log line and not a code, a name or words: it has several words and a digit."""
    return " " in query and any(character.isdigit() for character in query)


def _with_whole_commands(problem: Problem, lookup: Lookup, known: Sequence[str]) -> Problem:
    """The problem with suggestions that can be typed after `/vmkerr`; a suggested release needs the query before it."""
    suggestions = [
        f"{lookup.query} release={suggestion}" if suggestion in known else suggestion
        for suggestion in problem.suggestions
    ]
    return problem.model_copy(update={"suggestions": suggestions})


command = Command(
    name="/vmkerr",
    usage="/vmkerr CODE | name | errno | words | pasted log line [release=R]",
    summary="Explains a vmkernel status code, release by release.",
    examples=("/vmkerr 0xbad0022", "/vmkerr reservation conflict", "/vmkerr EBUSY release=esxi-6.0"),
    procedures=("vmkernel-status-codes", "scsi-sense", "nvme-errors"),
    parse=parse,
    run=run,
)
