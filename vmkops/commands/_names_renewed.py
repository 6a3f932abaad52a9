"""Asks the service for the names that completion offers; runs in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from vmkops.commands._names_cache import write

Thing = Mapping[str, Any]
MOST = 500
"""The largest number of names of one kind: more do not help anybody who chooses one."""
SECONDS = 20
_TABLE: Mapping[str, Callable[[Thing], tuple[str, str]]] = {
    "actions": lambda each: (each["name"], each["summary"]),
    "vms": lambda each: (each["name"], each["vcenter"]),
    "hosts": lambda each: (each["name"], each["vcenter"]),
    "datastores": lambda each: (each["name"], each["vcenter"]),
    "jobs": lambda each: (each["id"], f"{each['action']} of {each['target']}, {each['state']}"),
    "backups": lambda each: (each["id"], f"{each['vm']['name']}, {each['created_at'][:16]}, {each['state']}"),
    "schedules": lambda each: (each["name"], f"{each['action']}, {each['cron']}"),
    "vcenters": lambda each: (each["name"], each["address"]),
    "snapshots": lambda each: (each["moref"], f"{each['name']} of {each['vm']}"),
}
"""Each kind, and how a thing is named and described."""
PARAMETERS = "parameters-"
"""Before the name of an action: the kind of its parameters."""


def renew(kind: str, path: str) -> None:
    """Write the names of this kind to the file; nothing when the service does not answer. Never raises.

    The answer for one action has the parameters of all actions, so it writes their files too.
    """
    with suppress(Exception):
        for each, names in asyncio.run(_in_time(kind)).items():
            write(f"{path.removesuffix(f'{kind}.json')}{each}.json", names)


async def _in_time(kind: str) -> dict[str, list[list[str]]]:
    async with asyncio.timeout(SECONDS):
        return await _names(kind)


async def _names(kind: str) -> dict[str, list[list[str]]]:
    """The names of this kind, and of others that the same answer has, by kind."""
    from service.api.client import ServiceClient
    from vmkops.commands._service import chosen_for_completion

    asked = chosen_for_completion()
    if asked is None:
        return {kind: []}
    listed = "actions" if kind.startswith(PARAMETERS) else kind
    limit: dict[str, str] = {"limit": str(min(MOST, 200))} if listed in ("jobs", "backups", "schedules") else {}
    async with ServiceClient(asked.url, asked.token, ca_file=asked.ca_file) as service:
        found = (await service.search(f"/{listed}", limit))[listed]
    rows = [_TABLE[listed](each) for each in found[:MOST]]
    rows += _newest(found) if listed == "backups" else []
    # A name that a terminal would carry out, or that ends the line, cannot be typed either.
    names = [[name, what if what.isprintable() else ""] for name, what in rows if name and name.isprintable()]
    of_actions = {f"{PARAMETERS}{each['name']}": _parameters(each) for each in found} if listed == "actions" else {}
    return {kind: [], listed: names, **of_actions}


def _newest(backups: Iterable[Thing]) -> list[tuple[str, str]]:
    """`newest:` and each VM with backups; with its vCenter where VMs of several vCenters have backups."""
    vms = dict.fromkeys((each["vm"]["vcenter"], each["vm"]["name"]) for each in backups)
    several = len({vcenter for vcenter, _ in vms}) > 1
    return [(f"newest:{f'{vcenter}/' if several else ''}{name}", "its newest good backup") for vcenter, name in vms]


def _parameters(action: Thing) -> list[list[str]]:
    """The parameters of an action: each with its description, and `NAME=VALUE` for each value that it may have."""
    found: list[list[str]] = []
    for name, schema in action.get("parameters", {}).get("properties", {}).items():
        values = (
            ["true", "false"] if schema.get("type") == "boolean" else [str(each) for each in schema.get("enum", [])]
        )
        found.append([f"{name}=", str(schema.get("description", "")).partition(". ")[0]])
        found += [[f"{name}={value}", ""] for value in values if value]
    return found
