"""`/action`: starts any host action and tells about it in a thread; without words, lists them."""

from __future__ import annotations

from typing import Any, NamedTuple

from bot.blocks import Reply
from bot.cards.action import actions_card, preview_card
from bot.cards.problem import problem_card, usage_card
from bot.command_text import UsageError, name_and_values, one_value
from bot.commands._base import Asked, Command
from bot.starting import start_job
from service.api.client import ServiceError

DRY_RUN = "dry_run"
YES = {"true", "yes", "1"}


class Wanted(NamedTuple):
    """The action's name (empty for the list), what it is to act on, its parameters, and whether only to check."""

    name: str
    target: str
    params: dict[str, str]
    dry_run: bool


def parse(text: str) -> Wanted:
    """The action that was typed, with its target and parameters."""
    name, _, rest = one_value(text).partition(" ")
    first = rest.split(" ", 1)[0]
    words, params = name_and_values(f'"" {rest}' if "=" in first else rest)
    dry_run = params.pop(DRY_RUN, "false").lower() in YES
    if "=" in name:
        raise UsageError("Which action? Its name comes first.")
    return Wanted(name, words, params, dry_run)


async def run(wanted: Wanted, asked: Asked) -> Reply | None:
    """List, check or start; what is refused before the announcement is told to the asker alone."""
    service = asked.desk.service
    actions: list[dict[str, Any]] = (await service.get("/actions"))["actions"]
    action = next((each for each in actions if each["name"] == wanted.name), None)
    if not wanted.name:
        return Reply(actions_card(actions))
    params: dict[str, Any] = dict(wanted.params)
    if wanted.target and action is not None:
        takes = next(iter(action["parameters"].get("properties", {})), None)
        if takes is None or takes in params:
            return Reply(usage_card(command.usage, f"I do not know what {wanted.target} is for.", command.examples))
        params[takes] = wanted.target
    prefix = f"{command.name} {wanted.name}" if action else command.name
    try:
        if wanted.dry_run:
            return Reply(preview_card(await service.check(wanted.name, params, on_behalf_of=asked.on_behalf_of)))
        await start_job(asked, wanted.name, params, command=prefix)
    except ServiceError as refusal:
        return Reply(problem_card(refusal.problem, command=prefix))
    return None


command = Command(
    name="/action",
    usage="/action NAME target key=value ... [dry_run=true]",
    summary="Starts a host action, told in a thread; /action alone lists them all.",
    examples=("/action power-on web-01", "/action snapshot-create web-01 name=patch", "/action rescan esx-07"),
    parse=parse,
    run=run,
)
