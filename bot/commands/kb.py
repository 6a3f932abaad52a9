"""`/kb`: searches the written procedures, or shows one."""

from __future__ import annotations

import re
from typing import NamedTuple

from bot.arguments import UsageError, single_argument
from bot.blocks import Reply
from bot.cards.kb import procedure_card, search_card
from bot.commands._base import Command
from bot.request import Request
from service.api.client import ServiceError


class ProcedureQuery(NamedTuple):
    """The words to search for; `slug` is set when they can be the name of a procedure."""

    words: str
    slug: str | None


def parse(text: str) -> ProcedureQuery:
    """The words or the name. Raises UsageError when they are missing."""
    words = single_argument(text)
    if not words:
        raise UsageError("The words to search for are missing.")
    return ProcedureQuery(words=words, slug=words if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", words) else None)


async def run(query: ProcedureQuery, request: Request) -> Reply:
    """Show the procedure with that name, or the best matches for the words and what a code among them means.

    An answer without either, or with weak matches only, is shown only to the user.
    """
    service = request.deps.service
    if query.slug:
        try:
            return Reply(procedure_card(await service.get(f"/procedures/{query.slug}"), service.url), public=True)
        except ServiceError as error:
            if error.problem.status != 404:
                raise
    found = await service.get("/procedures", q=query.words, limit="5")
    certain = found["lookups"] or not all(hit["weak"] for hit in found["results"])
    return Reply(search_card(query.words, found, service.url), public=bool(certain))


command = Command(
    name="/kb",
    usage="/kb WORDS | procedure-name",
    summary="Searches the written procedures, or shows one.",
    examples=("/kb reservation conflict", "/kb snapshot-left-behind"),
    parse=parse,
    run=run,
)
