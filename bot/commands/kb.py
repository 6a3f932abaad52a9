"""`/kb`: the written procedures, found by words or shown one at a time."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from bot.blocks import Reply
from bot.cards.kb import found_card, page_card
from bot.command_text import UsageError, one_value
from bot.commands._base import Asked, Command
from service.api.client import ServiceError


class Wanted(NamedTuple):
    """Words to look for; `slug` when they might be the name of one page."""

    words: str
    slug: str | None


def parse(text: str) -> Wanted:
    """The words that were typed."""
    words = one_value(text)
    if not words:
        raise UsageError("Which procedure?")
    return Wanted(words=words, slug=words if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", words) else None)


async def run(wanted: Wanted, asked: Asked) -> Reply:
    """Show the page of that name, or the best pages for the words."""
    service = asked.desk.service
    if wanted.slug:
        try:
            return Reply(page_card(await service.get(f"/procedures/{wanted.slug}"), service.url), public=True)
        except ServiceError as error:
            if error.problem.status != 404:
                raise
    found: dict[str, Any] = await service.get("/procedures", q=wanted.words, limit="5")
    return Reply(found_card(wanted.words, found["results"], service.url), public=bool(found["results"]))


command = Command(
    name="/kb",
    usage="/kb WORDS | page-name",
    summary="Finds a written procedure by words, or shows one.",
    examples=("/kb reservation conflict", "/kb snapshot-left-behind"),
    parse=parse,
    run=run,
)
