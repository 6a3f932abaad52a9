"""`/action`: starts any host action and shows it in a thread; without arguments, lists the actions."""

from __future__ import annotations

from typing import Any, NamedTuple

from bot.arguments import UsageError, name_and_values, single_argument
from bot.blocks import Reply
from bot.cards.action import actions_card, preview_card
from bot.cards.problem import problem_card, usage_card
from bot.commands._base import Command
from bot.jobs.start import start_job
from bot.request import Request
from service.api.client import ServiceError

DRY_RUN = "dry_run"
BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class ActionCommand(NamedTuple):
    """The action's name (empty for the list), its target, its other parameters, and whether to only check it."""

    name: str
    target: str
    params: dict[str, str]
    dry_run: bool


def parse(text: str) -> ActionCommand:
    """The action with its target and parameters.

    Raises UsageError when the name is missing, or when dry_run is not a boolean: a typing error there must not
    start the action.
    """
    name, _, rest = single_argument(text).partition(" ")
    first = rest.split(" ", 1)[0]
    # A signed URL has = too, but not after the name of a parameter.
    is_pair = "=" in first and first.partition("=")[0].isidentifier()
    words, params = name_and_values(f'"" {rest}' if is_pair else rest)
    dry_run = BOOLEANS.get(params.pop(DRY_RUN, "false").lower())
    if dry_run is None:
        raise UsageError(f"{DRY_RUN} must be true or false.")
    if "=" in name:
        raise UsageError("The name of the action is missing; it comes first.")
    return ActionCommand(name, words, params, dry_run)


async def run(typed: ActionCommand, request: Request) -> Reply | None:
    """List the actions, check one, or start one, after a yes if it can do harm. A refusal is shown only to the user."""
    service = request.deps.service
    actions: list[dict[str, Any]] = (await service.get("/actions"))["actions"]
    action = next((each for each in actions if each["name"] == typed.name), None)
    if not typed.name:
        return Reply(actions_card(actions))
    params = dict(typed.params)
    if typed.target and action is not None:
        parameter = next(iter(action["parameters"].get("properties", {})), None)
        if parameter is None or parameter in params:
            return Reply(usage_card(command.usage, f"Unexpected argument {typed.target}.", command.examples))
        params[parameter] = typed.target
    prefix = f"{command.name} {typed.name}" if action else command.name
    try:
        if typed.dry_run:
            return Reply(preview_card(await service.check(typed.name, params, on_behalf_of=request.on_behalf_of)))
        return await start_job(request, typed.name, params, command=prefix)
    except ServiceError as refusal:
        return Reply(problem_card(refusal.problem, command=prefix))


command = Command(
    name="/action",
    usage="/action NAME target key=value ... [dry_run=true]",
    summary="Starts a host action; asks first if it can do harm. Without arguments, lists all actions.",
    examples=("/action power-on web-01", "/action snapshot-create web-01 name=patch", "/action rescan esx-07"),
    procedures=("slack-setup",),
    parse=parse,
    run=run,
)
