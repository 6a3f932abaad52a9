"""Looks one object up in vCenter itself, because the update stream that feeds the live inventory lags behind.

It is asked before a lookup reports that there is no such object: a job may have made it a second ago.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from pyVmomi import vim, vmodl

from service.errors import VmkopsError
from service.vsphere.live import Kind
from service.vsphere.selectors import Located, Selector
from service.vsphere.session import Instance, Session, read_all, read_properties

log = logging.getLogger(__name__)

SECONDS = 3.0
"""How long a lookup waits for vCenter."""
MOST = 50
"""The most objects that are read; a name that more have is ambiguous with any two of them."""

T = TypeVar("T", bound=Located)


class _Names(NamedTuple):
    """The morefs of all objects of a kind by name in lower case, and when their reading began (monotonic)."""

    began: float
    morefs: dict[str, list[str]]


class DirectLookups:
    """Lookups in one vCenter; those by name at the same time share one reading of all names."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._locks: defaultdict[type, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._names: dict[type, _Names] = {}

    async def find(self, kind: Kind[T], parts: Selector) -> list[T]:
        """The objects that a selector fits, read from vCenter now; empty when it does not answer in time."""
        try:
            async with asyncio.timeout(SECONDS):
                return await self._find(kind, parts)
        except (TimeoutError, VmkopsError) as error:
            log.info("an object could not be looked up in vCenter itself: %s", error)
            return []

    async def _find(self, kind: Kind[T], parts: Selector) -> list[T]:
        if parts.kind == "name":
            morefs = (await self._all_names(kind.type)).get(parts.text.lower(), [])
        elif parts.kind == "moref":
            morefs = [parts.text]
        else:
            morefs = await self._session.call(lambda instance: _search(instance, parts))
        name = self._session.vcenter.name
        found = await self._session.call(lambda instance: _read(instance, kind.type, kind.properties, morefs[:MOST]))
        return [kind.read(name, moref, values) for moref, values in found]

    async def _all_names(self, kind: type) -> dict[str, list[str]]:
        asked = time.monotonic()
        async with self._locks[kind]:
            known = self._names.get(kind)
            if known is None or known.began < asked:
                began = time.monotonic()
                morefs = await self._session.call(lambda instance: _names(instance, kind))
                known = self._names[kind] = _Names(began, morefs)
            return known.morefs


async def vm_of_snapshot(session: Session, moref: str) -> str:
    """The moref of the VM that has the snapshot with this moref; empty when there is none, or vCenter is slow."""

    def ask(instance: Instance) -> str:
        snapshot = vim.vm.Snapshot(moref, instance._stub)
        with contextlib.suppress(vmodl.fault.ManagedObjectNotFound):
            found = read_properties(instance, [snapshot], vim.vm.Snapshot, ["vm"])
            return found[0][1]["vm"]._moId if found and "vm" in found[0][1] else ""
        return ""

    try:
        async with asyncio.timeout(SECONDS):
            return await session.call(ask)
    except (TimeoutError, VmkopsError) as error:
        log.info("a snapshot could not be looked up in vCenter itself: %s", error)
        return ""


def _read(instance: Instance, kind: type, properties: list[str], morefs: list[str]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for moref in morefs:  # one by one: an object that is gone fails a reading of several
        with contextlib.suppress(vmodl.fault.ManagedObjectNotFound):
            values = read_properties(instance, [kind(moref, instance._stub)], kind, properties)
            found += [(moref, each) for _, each in values]
    return found


def _names(instance: Instance, kind: type) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for managed, values in read_all(instance, kind, ["name"]):
        found.setdefault(str(values.get("name", "")).lower(), []).append(managed._moId)
    return found


def _search(instance: Instance, parts: Selector) -> list[str]:
    index = instance.content.searchIndex
    ways: dict[str, Callable[[], Any]] = {
        "uuid": lambda: index.FindAllByUuid(uuid=parts.text, vmSearch=True, instanceUuid=False),
        "ipaddr": lambda: index.FindAllByIp(ip=parts.text, vmSearch=True),
    }
    return [managed._moId for managed in (ways[parts.kind]() if parts.kind in ways else [])]
