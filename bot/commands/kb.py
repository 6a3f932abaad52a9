"""`/kb`: searches the written procedures, or shows one."""

from __future__ import annotations

import re
from typing import NamedTuple

from bot.arguments import UsageError, name_and_values, single_argument
from bot.blocks import Reply
from bot.cards.kb import procedure_card, search_card
from bot.commands._base import Command
from bot.request import Request
from service.api.client import ServiceError

TARGETS = ("vm", "host", "datastore")
"""What the live blocks of a procedure can be filled in for."""


class ProcedureQuery(NamedTuple):
    """The words to search for; `slug` is set when they can be the name of a procedure; the targets by their names."""

    words: str
    slug: str | None
    targets: dict[str, str]


def parse(text: str) -> ProcedureQuery:
    """The words or the name, with the targets after the name.

    Raises UsageError when they are missing, and for a target of a search.
    """
    if not single_argument(text):
        raise UsageError("The words to search for are missing.")
    name, *rest = single_argument(text).split(maxsplit=1)
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name) or not all("=" in word for word in rest):
        return ProcedureQuery(words=single_argument(text), slug=None, targets={})
    targets = name_and_values(text).options
    if unknown := next((key for key in targets if key not in TARGETS), None):
        raise UsageError(f"{unknown} is not a target. A target is vm=NAME, host=NAME or datastore=NAME.")
    return ProcedureQuery(words=name, slug=name, targets=targets)


async def run(query: ProcedureQuery, request: Request) -> Reply:
    """Show the procedure with that name, or the best matches for the words and what a code among them means.

    With targets, the procedure shows what its commands answer for them, and a button for each action that may start.
    An answer without matches and codes, or with weak matches only, is shown only to the user.
    """
    service = request.deps.service
    if query.slug:
        try:
            if query.targets:
                path = f"/procedures/{query.slug}/live"
                page = await service.get(path, on_behalf_of=request.on_behalf_of, **query.targets)
            else:
                page = await service.get(f"/procedures/{query.slug}")
            return Reply(procedure_card(page, service.public_url, query.targets), public=True)
        except ServiceError as error:
            if error.problem.status != 404:
                raise
    found = await service.get("/procedures", q=query.words, limit="5")
    certain = found["lookups"] or not all(hit["weak"] for hit in found["results"])
    return Reply(search_card(query.words, found, service.public_url), public=bool(certain))


command = Command(
    name="/kb",
    usage="/kb WORDS | procedure-name [vm=NAME] [host=NAME] [datastore=NAME]",
    summary="Searches the written procedures, or shows one.",
    examples=("/kb reservation conflict", "/kb snapshot-left-behind", "/kb consolidation-needed vm=web-01"),
    procedures=("alerts-setup",),
    parse=parse,
    run=run,
)
