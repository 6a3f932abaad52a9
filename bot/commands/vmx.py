"""`/vmx`: lists the VMX snippets, or answers one, ready to paste."""

from __future__ import annotations

from typing import NamedTuple

from bot.blocks import Reply
from bot.cards.vmx import catalogue_card, example_of, snippet_card
from bot.command_text import name_and_values
from bot.commands._base import Asked, Command
from service.api.client import Problem, ServiceClient, ServiceError


class Wanted(NamedTuple):
    """The name of a snippet, empty for the catalogue, its parameters, and how it was typed."""

    name: str
    parameters: dict[str, str]
    typed: str


def parse(text: str) -> Wanted:
    """The snippet that was typed."""
    name, parameters = name_and_values(text)
    return Wanted(name=name, parameters=parameters, typed=f"/vmx {text.strip()}")


async def run(wanted: Wanted, asked: Asked) -> Reply:
    """The catalogue goes to the asker alone; a snippet to the channel, where the next one may need it."""
    service = asked.desk.service
    if not wanted.name:
        return Reply(catalogue_card(await service.vmx_snippets()))
    try:
        snippet = await service.vmx_snippet(wanted.name, wanted.parameters)
    except ServiceError as refusal:
        if refusal.problem.status != 400:
            raise
        raise ServiceError(await _with_example(refusal.problem, wanted.name, service)) from refusal
    return Reply(snippet_card(snippet, typed=wanted.typed, asked_by=f"<@{asked.user}>"), public=True)


async def _with_example(problem: Problem, name: str, service: ServiceClient) -> Problem:
    """The problem with a whole command to try: the parameter that was wrong is no command by itself."""
    examples = [example_of(each) for each in await service.vmx_snippets() if each.name == name.lower()]
    return problem.model_copy(update={"suggestions": [each.removeprefix("/vmx ") for each in examples]})


command = Command(
    name="/vmx",
    usage="/vmx [SNIPPET key=value ...]",
    summary="Lists VMX snippets, or answers one that is safe to paste, for both ends where there are two.",
    examples=("/vmx", "/vmx serial-pipe path=/vmfs/volumes/ds1/pipe", "/vmx nic type=e1000"),
    parse=parse,
    run=run,
)
