"""`/files`: what is in a kept backup, folder by folder, and the text of small files."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from bot.arguments import QUOTES, UsageError, single_argument
from bot.blocks import Reply
from bot.cards.files import LARGEST_SHOWN, file_card, folder_card, volumes_card
from bot.commands._base import Command
from bot.request import Request
from service.api.client import Problem, ServiceError

MOST_LISTED = 200
"""Entries of a folder that are read."""
EMPTY = 416
"""The status for the first bytes of a file that has none."""
_WINDOWS = re.compile("[A-Za-z]:")
_QUOTED = re.compile(rf"([{''.join(QUOTES)}])(.*?)[{''.join(QUOTES.values())}](?:\s+|$)")


class Asked(NamedTuple):
    """The backup, and a path in it; empty for the volumes."""

    backup: str
    path: str


def parse(text: str) -> Asked:
    """The backup, in quotation marks when its name has spaces, and the path. Raises UsageError without a backup."""
    typed = text.strip()
    if found := _QUOTED.match(typed):
        backup, path = found[2], typed[found.end() :]
    else:
        backup, _, path = typed.partition(" ")
    asked = Asked(single_argument(backup), single_argument(path))
    if not asked.backup:
        raise UsageError("The backup is missing.")
    return asked


async def run(asked: Asked, request: Request) -> Reply:
    """Reply only to the user: files have secrets."""
    try:
        return await _reply(asked, request)
    except ServiceError as refusal:
        refusal.problem = with_whole_commands(refusal.problem, asked)
        raise


async def _reply(asked: Asked, request: Request) -> Reply:
    call, person = f"/backups/{quote(asked.backup, safe='')}", request.on_behalf_of
    if not asked.path:
        found = await request.deps.service.get(f"{call}/volumes", on_behalf_of=person)
        return Reply(volumes_card(asked.backup, found["volumes"]))
    entries, more = await _entries(asked, request)
    only = entries[0] if len(entries) == 1 else None
    if only is None or not _is_named(only, asked.path):
        return Reply(folder_card(asked.backup, asked.path, entries, more=more))
    if only["kind"] not in ("file", "link") or only["size"] > LARGEST_SHOWN:
        return Reply(file_card(asked.backup, only, None))
    content = b""
    try:
        stream = request.deps.service.stream(
            f"{call}/files/content", on_behalf_of=person, first=LARGEST_SHOWN + 1, path=asked.path
        )
        async with contextlib.aclosing(stream) as pieces:
            async for piece in pieces:
                content += piece
    except ServiceError as refusal:
        if refusal.problem.status != EMPTY:
            if refusal.problem.status == 400:  # a folder with the one entry of the same name
                return Reply(folder_card(asked.backup, asked.path, entries, more=more))
            raise
    return Reply(file_card(asked.backup, only, content))


async def _entries(asked: Asked, request: Request) -> tuple[list[dict[str, Any]], bool]:
    """What is in the folder, or the one entry of a file, and whether there is more."""
    call, rest = f"/backups/{quote(asked.backup, safe='')}/files", b""
    found: list[dict[str, Any]] = []
    stream = request.deps.service.stream(call, on_behalf_of=request.on_behalf_of, path=asked.path)
    async with contextlib.aclosing(stream) as pieces:
        async for piece in pieces:
            *lines, rest = (rest + piece).split(b"\n")
            for line in map(json.loads, lines):
                if "error" in line:
                    raise ServiceError(Problem(title="Disk unreadable", status=409, detail=line["error"]))
                if "end" not in line:
                    found.append(line)
            if len(found) > MOST_LISTED:
                return found[:MOST_LISTED], True
    return found, False


def _is_named(entry: Mapping[str, Any], path: str) -> bool:
    """Whether an entry has the last name of a path, as one that is no folder has."""
    parts = path.replace("\\", "/") if _WINDOWS.match(path) else path
    last = parts.rstrip("/").rpartition("/")[2]
    return bool(entry["name"].casefold() == last.casefold())


def with_whole_commands(problem: Problem, asked: Asked) -> Problem:
    """The problem with suggestions that can be typed after `/files`: volumes get the backup, and backups the path."""
    suggestions = []
    for each in problem.suggestions:
        if each.endswith(":/"):
            path = asked.path if asked.path.startswith("/") else "/"
            suggestions.append(f"{_typed(asked.backup)} {each.removesuffix('/')}{path}")
        else:
            suggestions.append(f"{_typed(each.partition(' (')[0])} {asked.path}".strip())
    return problem.model_copy(update={"suggestions": suggestions})


def _typed(backup: str) -> str:
    return f'"{backup}"' if " " in backup else backup


command = Command(
    name="/files",
    usage="/files BACKUP [PATH]",
    summary="Lists the volumes and files of a kept backup, and shows small text files, to those who may restore.",
    examples=("/files newest:web-01", "/files newest:web-01 /etc", "/files newest:web-01 /etc/hosts"),
    procedures=("restore-a-backup", "ransomware-suspected"),
    parse=parse,
    run=run,
)
