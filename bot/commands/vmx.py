"""`/vmx`: lists the VMX snippets, or shows one to paste."""

from __future__ import annotations

from typing import NamedTuple

from bot.arguments import name_and_values
from bot.blocks import Reply
from bot.cards.vmx import catalogue_card, example_of, snippet_card
from bot.commands._base import Command
from bot.request import Request
from service.api.client import Problem, ServiceClient, ServiceError


class SnippetQuery(NamedTuple):
    """The name of a snippet (empty for the catalogue), its parameters, and the command as it was typed."""

    name: str
    parameters: dict[str, str]
    typed: str


def parse(text: str) -> SnippetQuery:
    """The snippet with its parameters. Raises UsageError for text that is not `key=value`."""
    name, parameters = name_and_values(text)
    return SnippetQuery(name=name, parameters=parameters, typed=f"/vmx {text.strip()}")


async def run(query: SnippetQuery, request: Request) -> Reply:
    """Reply with the catalogue only to the user, and with a snippet in the channel, where others may need it."""
    service = request.deps.service
    if not query.name:
        return Reply(catalogue_card(await service.vmx_snippets()))
    try:
        snippet = await service.vmx_snippet(query.name, query.parameters)
    except ServiceError as refusal:
        if refusal.problem.status != 400:
            raise
        raise ServiceError(await _with_example(refusal.problem, query.name, service)) from refusal
    return Reply(snippet_card(snippet, typed=query.typed, asked_by=request.mention), public=True)


async def _with_example(problem: Problem, name: str, service: ServiceClient) -> Problem:
    """The problem with a complete command as its suggestion, instead of the parameter that is wrong."""
    examples = [example_of(each) for each in await service.vmx_snippets() if each.name == name.lower()]
    return problem.model_copy(update={"suggestions": [each.removeprefix("/vmx ") for each in examples]})


command = Command(
    name="/vmx",
    usage="/vmx [SNIPPET key=value ...]",
    summary="Lists VMX snippets, or shows one that is safe to paste, for both VMs of a connection.",
    examples=("/vmx", "/vmx serial-pipe path=/vmfs/volumes/ds1/pipe", "/vmx nic type=e1000"),
    procedures=("serial-pipe-between-vms", "appliance-building", "linux-p2v"),
    parse=parse,
    run=run,
)
