"""The pages of the files of a backup: its volumes, and a folder with links to what is in it."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from service.api.units import when
from service.files.values import Entry, Volumes
from service.http._render import respond
from service.web.pages import pages

MOST_SHOWN = 5000
"""Entries on a page."""
_WINDOWS = re.compile("[A-Za-z]:")


def volumes_page(backup: str, found: Volumes) -> web.Response:
    """The page with the volumes of a backup."""
    html = pages.get_template("backup_volumes.html").render(backup=backup, volumes=found.volumes)
    return _sent(html)


async def folder_page(backup: str, path: str, found: AsyncGenerator[list[Entry], None]) -> web.Response:
    """The page of a folder, or of the one file that `path` means; `found` gives its entries."""
    entries: list[Entry] = []
    async with contextlib.aclosing(found) as batches:
        async for batch in batches:
            entries += batch
            if len(entries) > MOST_SHOWN:
                break
    html = pages.get_template("backup_files.html").render(
        backup=backup,
        path=path,
        above=above(path),
        entries=[_row(each) for each in entries[:MOST_SHOWN]],
        more=len(entries) > MOST_SHOWN,
        command=shlex.join(["vmkops", "files", backup, "ls", path]),
    )
    return _sent(html)


def above(path: str) -> list[tuple[str, str]]:
    """The parts of a path, each as it is shown and with the path up to it."""
    if _WINDOWS.match(path):
        path = path.replace("\\", "/")
    colon = path.find(":/")
    first = path[: colon + 2] if colon > 0 and not path.startswith("/") else "/"
    made, so_far = [(first, first)], first
    for part in path.removeprefix(first).split("/"):
        if part:
            so_far += f"{part}/"
            made.append((f"{part}/", so_far.rstrip("/")))
    return made


def _row(entry: Entry) -> dict[str, Any]:
    try:
        at = when(datetime.fromtimestamp(entry.mtime, UTC))
    except (OverflowError, ValueError, OSError):
        at = ""
    return {**vars(entry), "when": at}


def _sent(html: str) -> web.Response:
    return respond(html.encode(), "text/html", 200, {"Cache-Control": "no-store"})
