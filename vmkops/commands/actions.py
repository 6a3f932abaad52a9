"""`vmkops actions`: which host actions there are."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from vmkops.commands import SERVICE
from vmkops.commands._parser import Parser

SUMMARY = "list the host actions with their classes and parameters"
GROUP = SERVICE
CLASSES = (
    "The class of an action is how much harm it can do: read changes nothing; safe adds something or can be undone; "
    "disruptive interrupts what runs; after destructive, something is gone for good. vmkops asks before the last two."
)


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(prog="vmkops actions", description=SUMMARY, epilog=CLASSES)
    made.add_argument("--json", action="store_true", help="print the fields of the HTTP API")
    return made


def run(argv: Sequence[str]) -> int:
    """List the actions; raises ServiceError when the service does not answer."""
    return asyncio.run(_show(as_json=parser().parse_args(argv).json))


async def _show(*, as_json: bool) -> int:
    from service.api.words import printable_lines
    from vmkops.commands._console import client

    async with client() as service:
        found = await service.get("/actions")
    if as_json:
        print(json.dumps({"next": None, **found}))
        return 0
    for action in found["actions"]:
        print(printable_lines(f"{action['name']}: {action['summary']} ({action['class']})"))
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
