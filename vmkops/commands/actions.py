"""`vmkops actions`: which host actions there are."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from vmkops.commands import SERVICE
from vmkops.commands._errors import WrongUsage
from vmkops.commands._near import did_you_mean, shown
from vmkops.commands._parser import Parser

SUMMARY = "list the host actions with their classes and parameters, or explain one"
GROUP = SERVICE
CLASSES = (
    "The class of an action is how much harm it can do: read changes nothing; safe adds something or can be undone; "
    "disruptive interrupts what runs; after destructive, something is gone for good. vmkops asks before the last two. "
    "Where it depends on the parameters, the help of the action says how, and a dry run shows it."
)


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(prog="vmkops actions", description=SUMMARY, epilog=CLASSES)
    made.add_argument("name", nargs="?", metavar="NAME", help="the action to explain; without it all are listed")
    made.add_argument("--json", action="store_true", help="print JSON, as `vmkops help commands` describes it")
    return made


def run(argv: Sequence[str]) -> int:
    """List the actions, or explain one; raises ServiceError when the service does not answer, WrongUsage for no action.

    To explain one needs no service, except with --json.
    """
    options = parser().parse_args(argv)
    if options.name and not options.json:
        from vmkops.commands._action_help import print_help

        return print_help(options.name)
    return asyncio.run(_show(options.name, as_json=options.json))


async def _show(name: str | None, *, as_json: bool) -> int:
    from service.api.previews import DEPENDS
    from service.api.words import printable_lines
    from vmkops.commands._console import client

    async with client() as service:
        found = await service.get("/actions")
    if name:
        chosen = [each for each in found["actions"] if each["name"] == name]
        if not chosen:
            near = did_you_mean(name, [each["name"] for each in found["actions"]])
            raise WrongUsage(f"there is no action {shown(name)}.{near}")
        found = {"actions": chosen}
    if as_json:
        print(json.dumps({"next": None, **found}))
        return 0
    for action in found["actions"]:
        harm = DEPENDS if action.get("class_depends") else action["class"]
        print(printable_lines(f"{action['name']}: {action['summary']} ({harm})"))
        required = action["parameters"].get("required", [])
        for name, schema in action["parameters"].get("properties", {}).items():
            mark = "" if name in required else f" [{_default(schema)}]"
            print(printable_lines(f"    {name}{mark}: {schema.get('description', '')}"))
        print(*(f"    see vmkops kb show {printable_lines(slug)}" for slug in action["procedures"][:1]), sep="\n")
    return 0


def _default(schema: Mapping[str, Any]) -> str:
    """The default of a parameter in its JSON Schema, as it is typed; empty when there is none."""
    value = schema.get("default")
    return "" if value is None else str(value)
