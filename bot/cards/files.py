"""The cards of `/files`: volumes, a folder, and a file. Pure: no I/O."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.blocks import PREFORMATTED_LENGTH, Message, bold, code, context, escape, message, preformatted, section
from service.api.units import amount, count

LARGEST_SHOWN = 16 << 10
"""Bytes of a file whose text is shown."""
MOST_ROWS = 60
KINDS = {"folder": "/", "link": "@", "device": "!", "other": "!"}
"""What follows the name of an entry that is no file, as of `ls -F`."""


def volumes_card(backup: str, volumes: Sequence[Mapping[str, Any]]) -> Message:
    """The disks, partitions and volumes of a backup; each has the keys of `GET /backups/{id}/volumes`."""
    lines = []
    for each in volumes:
        about = [each["type"] or "unknown", amount(each["size"]) if each["size"] else "", each["label"]]
        used = f"used as {each['used_as']}" if each["used_as"] else ""
        lines.append(" · ".join([code(each["name"]), *(escape(part) for part in (*about, used, each["note"]) if part)]))
    readable = next((each for each in volumes if each["readable"]), None)
    hint = ""
    if readable is not None:
        path = readable["used_as"] if readable["used_as"].startswith("/") else f"{readable['name']}:/"
        hint = f"To see files, type {code(f'/files {backup} {path}')}"
    title = f"Volumes of {backup}"
    return message(title, [section(bold(title)), *(section(line) for line in lines), context(hint)])


def folder_card(backup: str, path: str, entries: Sequence[Mapping[str, Any]], *, more: bool) -> Message:
    """What is in a folder; each entry has the keys of `GET /backups/{id}/files`. `more`: there are further ones."""
    rows = [f"{each['size'] if each['kind'] == 'file' else '':>12}  {_at(each)}  {_named(each)}" for each in entries]
    shown: list[str] = []
    for row in rows[:MOST_ROWS]:
        if sum(len(escape(each)) + 1 for each in (*shown, row)) > PREFORMATTED_LENGTH - 100:
            break
        shown.append(row)
    left = len(rows) - len(shown)
    title = f"{path} in {backup}"
    text = preformatted("\n".join(shown)) if shown else "It is empty." if not rows else ""
    hidden = f"{'More than ' if more else ''}{count(left, 'more entr' + 'y')}" if left or more else ""
    hidden = hidden.replace("entrys", "entries")
    everything = f"All of it in a shell: {code(_shell('ls', backup, path))}"
    return message(title, [section(bold(title)), section(text), context(hidden, everything)])


def file_card(backup: str, entry: Mapping[str, Any], content: bytes | None) -> Message:
    """A file with its text, when it is one and short enough; `content` is None for one that is not shown."""
    path = entry["path"]
    title = f"{path} in {backup}"
    get = f"To get it, in a shell: {code(_shell('get', backup, path))}"
    about = context(amount(entry["size"]) if entry["kind"] == "file" else entry["kind"], _at(entry), get)
    if content is None or len(content) > LARGEST_SHOWN:
        what = "too large to show" if entry["kind"] in ("file", "link") else f"a {entry['kind']}"
        return message(title, [section(bold(title), f"It is {what}."), about])
    text = text_of(content)
    if text is None:
        return message(title, [section(bold(title), "It is binary, so it is not shown."), about])
    if not text.strip():
        return message(title, [section(bold(title), "It is empty."), about])
    lines = text.splitlines()
    shown: list[str] = []
    for line in lines:
        if sum(len(escape(each)) + 1 for each in (*shown, line)) > PREFORMATTED_LENGTH - 10:
            break
        shown.append(line)
    body = "\n".join(shown or lines[:1])
    cut = (
        "" if len(shown) == len(lines) else f"Cut: {len(shown) or 'a part of 1'} of {count(len(lines), 'line')} shown."
    )
    return message(title, [section(bold(title)), section(preformatted(body)), *([context(cut)] if cut else []), about])


def text_of(content: bytes) -> str | None:
    """The content as text, with `?` for characters that control something; None when it is no UTF-8 text."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    text = text.replace("\r\n", "\n").expandtabs(4)
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)


def _shell(what: str, backup: str, path: str) -> str:
    return shlex.join(["vmkops", "files", backup, what, path])


def _named(entry: Mapping[str, Any]) -> str:
    leads = f" -> {entry['target']}" if entry["kind"] == "link" else ""
    return f"{entry['name']}{KINDS.get(entry['kind'], '')}{leads}"


def _at(entry: Mapping[str, Any]) -> str:
    try:
        return f"{datetime.fromtimestamp(entry['mtime'], UTC):%Y-%m-%d %H:%M}"
    except (OverflowError, ValueError, OSError):
        return f"{'?':16}"
