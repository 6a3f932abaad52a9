"""Asks the service for the names that completion offers; runs in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
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
}
"""Each kind, and how a thing is named and described."""
PARAMETERS = "parameters-"
"""Before the name of an action: the kind of its parameters."""


def renew(kind: str, path: str) -> None:
    """Write the names of this kind to the file; nothing when the service does not answer. Never raises."""
    with suppress(Exception):
        write(path, asyncio.run(_in_time(kind)))


async def _in_time(kind: str) -> list[list[str]]:
    async with asyncio.timeout(SECONDS):
        return await _names(kind)


async def _names(kind: str) -> list[list[str]]:
    from service.api.client import ServiceClient
    from vmkops.commands._service import chosen_for_completion

    asked = chosen_for_completion()
    if asked is None:
        return []
    listed = "actions" if kind.startswith(PARAMETERS) else kind
    limit: dict[str, str] = {"limit": str(min(MOST, 200))} if listed in ("jobs", "backups", "schedules") else {}
    async with ServiceClient(asked.url, asked.token, ca_file=asked.ca_file) as service:
        found = (await service.search(f"/{listed}", limit))[listed]
    if kind.startswith(PARAMETERS):
        return _parameters(next((each for each in found if each["name"] == kind.removeprefix(PARAMETERS)), {}))
    rows = [_TABLE[kind](each) for each in found[:MOST]]
    # A name that a terminal would carry out, or that ends the line, cannot be typed either.
    return [[name, what if what.isprintable() else ""] for name, what in rows if name and name.isprintable()]


def _parameters(action: Thing) -> list[list[str]]:
    """The parameters of an action: each with its description, and `NAME=VALUE` for each value that it may have."""
    found: list[list[str]] = []
    for name, schema in action.get("parameters", {}).get("properties", {}).items():
        values = (
            ["true", "false"] if schema.get("type") == "boolean" else [str(each) for each in schema.get("enum", [])]
        )
        found.append([f"{name}=", str(schema.get("description", "")).partition(". ")[0]])
        found += [[f"{name}={value}", ""] for value in values]
    return found
