"""Kept backups in the terminal: listed, one of them, and the VMs that lack a fresh one; all over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from service.api.client import ServiceError
from service.backups.catalogue import KeptBackup
from service.backups.freshness import FreshnessReport
from service.backups.text import backup_words, freshness_words, list_words
from service.watching import client, refused


async def show_backups(vm: str, *, as_json: bool) -> int:
    """List the kept backups, of the VM with this name when one is given. Exit 0 when there are any, 1 otherwise."""

    def told(found: Mapping[str, Any]) -> tuple[str, bool]:
        backups = [KeptBackup.model_validate(each) for each in found["backups"]]
        none = f"No backup of a VM {vm!r} is kept here.\n" if vm and not backups else ""
        return none or list_words(backups), bool(backups)

    return await _show("/backups", told, as_json=as_json, vm=vm)


async def show_backup(backup: str, *, as_json: bool) -> int:
    """All about one backup, by its id. Exit 0 when there is such a one, 1 otherwise."""
    path = f"/backups/{quote(backup, safe='')}"
    return await _show(path, lambda found: (backup_words(KeptBackup.model_validate(found)), True), as_json=as_json)


async def show_stale(older_than: str, *, as_json: bool) -> int:
    """The VMs whose last good backup is older than that, such as `24h`. Exit 0 when there is none, 1 otherwise."""

    def told(found: Mapping[str, Any]) -> tuple[str, bool]:
        report = FreshnessReport.model_validate(found)
        return freshness_words(report), not report.stale

    return await _show("/backups/freshness", told, as_json=as_json, older_than=older_than)


async def _show(
    path: str, told: Callable[[Mapping[str, Any]], tuple[str, bool]], *, as_json: bool, **query: str
) -> int:
    async with client() as service:
        try:
            found = await service.get(path, **query)
        except ServiceError as error:
            return refused(error)
    words, good = told(found)
    print(json.dumps(found) if as_json else words.rstrip("\n"))
    return 0 if good else 1
