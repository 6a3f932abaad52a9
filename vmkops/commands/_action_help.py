"""The help of one host action: what it does, its parameters, whether it asks first, and an example.

It is made from the code of the action, so it needs no service. An action that only the service has is asked for there.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from vmkops.commands import EXIT_DONE
from vmkops.commands._errors import WrongUsage
from vmkops.commands._near import did_you_mean, shown

Info = Mapping[str, Any]
"""An action as the service lists it: name, summary, class, may_ask, parameters (a JSON Schema) and type_again."""

WIDTH = 100
ASKS = "vmkops shows the dry run and waits for your yes (--yes in a script)"
SAMPLES = {
    "vm": "web-01",
    "vms": "tag:gold",
    "host": "esx-01",
    "backup": "newest:web-01",
    "snapshot": "snapshot-12",
    "disk": "scsi0:1",
    "peer": "web-02",
    "path": "/var/run/web-pipe",
    "address": "10.0.0.5",
    "source": "web-01.ova",
}
"""What an example has for a parameter, by its name, where the parameter has no example of its own."""
ONE_OF_SEVERAL = {"migrate": ("host",), "import-ovf": ("source",)}
"""Parameters that an example needs although the schema does not require them, by the name of the action."""


def print_help(name: str) -> int:
    """Print the help of the action with this name; raises WrongUsage for an unknown one."""
    from service.api.words import printable_lines

    print(printable_lines("\n".join(_lines(_known_here(name) or _known_there(name)))))
    return EXIT_DONE


def takers_of(parameter: str) -> list[str]:
    """The names of the actions that take this parameter."""
    from service.actions import all_actions

    return [each.name for each in all_actions().values() if parameter in each.params.model_fields]


def example(info: Info) -> str:
    """A command line that starts the action, with made-up names."""
    taken = info["parameters"].get("properties", {})
    required = info["parameters"].get("required", [])
    names = [each for each in taken if each in (*required, *ONE_OF_SEVERAL.get(info["name"], ()))]
    values = [(each, (taken[each].get("examples") or [SAMPLES.get(each, each.upper())])[0]) for each in names]
    words = [
        value if place == 0 and each == next(iter(taken)) else f"{each}={value}"
        for place, (each, value) in enumerate(values)
    ]
    return shlex.join(["vmkops", "action", info["name"], *words])


def _known_here(name: str) -> Info | None:
    from service.actions import action_named

    action = action_named(name)
    if action is None:
        return None
    return {
        "name": action.name,
        "summary": action.summary,
        "class": str(action.action_class),
        "class_depends": action.class_depends,
        "may_ask": action.may_ask,
        "parameters": action.params.model_json_schema(),
        "type_again": {"when": action.type_again.when, "what": action.type_again.what} if action.type_again else None,
    }


def _known_there(name: str) -> Info:
    from knowledge.procedure_store.entry_points import action_names
    from service.api.client import ServiceError
    from service.errors import SettingError

    known = set(action_names())
    try:
        listed = asyncio.run(_listed())
    except (ServiceError, SettingError):
        listed = {}
    if name in listed:
        return listed[name]
    near = did_you_mean(name, known | set(listed))
    raise WrongUsage(f"there is no action {shown(name)}.{near} `vmkops actions` lists the actions.")


async def _listed() -> dict[str, Info]:
    from vmkops.commands._console import client

    async with client() as service:
        return {each["name"]: each for each in (await service.get("/actions"))["actions"]}


def _lines(info: Info) -> Iterator[str]:
    from textwrap import wrap

    from knowledge.procedure_store.entry_points import procedures_of_action

    taken: Mapping[str, Info] = info["parameters"].get("properties", {})
    required = info["parameters"].get("required", [])
    target = next(iter(taken), "")
    shown_target = (target.upper() if target in required else f"[{target.upper()}]") if target else ""
    yield " ".join(
        filter(None, ["usage: vmkops action", info["name"], shown_target, "[parameter=value ...] [options]"])
    )
    yield ""
    yield from wrap(info["summary"], WIDTH)
    yield ""
    yield from wrap(f"class {_class(info)}. {_exceptions(info)}".strip(), WIDTH)
    if taken:
        yield from ("", "parameters:")
    wide = max(map(len, taken), default=0)
    for name, schema in taken.items():
        notes = ["required"] if name in required else []
        notes += [f"the first word; {name}= may be left out"] if name == target else []
        notes += _values(schema)
        head = f"({', '.join(notes)}) " if notes else ""
        yield from wrap(
            f"{head}{schema.get('description', '')}",
            WIDTH,
            initial_indent=f"  {name:<{wide}}  ",
            subsequent_indent=" " * (wide + 4),
        )
    yield from ("", "example:", f"  {example(info)} --dry-run", "", "The options are those of `vmkops action --help`.")
    if slugs := procedures_of_action(info["name"]):
        yield f"Procedures (vmkops kb show NAME): {', '.join(slugs)}"


def _class(info: Info) -> str:
    from service.api.models import ActionClass
    from service.api.previews import class_words

    if depends := info.get("class_depends"):
        return f"depends: {depends}"
    found = ActionClass(info["class"])
    return f"{class_words(found)}{f', so {ASKS}' if found.asks_first else ', and starts at once'}"


def _exceptions(info: Info) -> str:
    """When the action asks although its class does not."""
    again = info.get("type_again")
    said = f"With {again['when']}=..., vmkops asks for a yes, and for {again['what']}." if again else ""
    more = "With some values of other parameters, it asks for a yes too; a dry run shows whether."
    return f"{said} {more}".strip() if info["may_ask"] else said


def _values(schema: Info) -> list[str]:
    """What the values of a parameter may be, and its default."""
    kind = {"boolean": "true or false", "integer": "a whole number", "number": "a number"}.get(schema.get("type", ""))
    values = [str(each) for each in schema.get("enum", []) if each != ""]
    said = [f"one of: {', '.join(values)}" if values else kind or ""]
    default = schema.get("default")
    if default not in (None, "", {}, []):
        said.append(f"default {str(default).lower() if isinstance(default, bool) else default}")
    return [each for each in said if each]
