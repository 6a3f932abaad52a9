"""Finds the destructive commands of a page that no box announces.

A box counts when it is above the command and in the same step (the same item of the outermost list), or in the same
section when the section has no steps. The commands are data: ``knowledge/data/destructive_commands.tsv``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from knowledge.data_files import data_lines
from knowledge.procedure_store.body import LIST_MARKER, body_lines
from knowledge.procedure_store.boxes import BOXES, box_kind
from knowledge.procedure_store.front_matter import Fault

LONGEST_COMMAND = 4000
"""Characters of a line that are searched; the patterns would take minutes for a line as long as a page."""

_ENTERED = ("Before", "Steps", "Undo")
"""The sections in which readers also enter the commands that stand in a sentence."""

_NEW_PART = re.compile(rf"{LIST_MARKER} |#{{1,6}} ")
_SECTION = re.compile(r"## +(.*?)(?: +#+)? *")
_INLINE_CODE = re.compile(r"`([^`]+)`")
_SEVERITY = {kind: place for place, kind in enumerate(BOXES)}


class Danger(NamedTuple):
    """A kind of destructive command: its pattern, the box that it needs at least, and what it does."""

    pattern: re.Pattern[str]
    box: str
    effect: str


def unannounced_commands(lines: list[str], start: int) -> Iterator[Fault]:
    """Yield a fault for each destructive command without its box in the body, which starts after ``start`` lines."""
    announced, section, quoted = len(BOXES), "", False
    for line in body_lines(lines, start):
        if line.kind == "text":
            if _NEW_PART.match(line.text):
                announced = len(BOXES)
            if heading := _SECTION.fullmatch(line.text):
                section = heading[1]
            if kind := box_kind(line.text):
                announced = min(announced, _SEVERITY[kind])
            quoted = line.text.lstrip().startswith(">")
        if quoted or line.kind in ("open", "close"):
            continue
        for command in _commands(line.text, code=line.kind == "code", entered=section in _ENTERED):
            danger = danger_of(command)
            if danger and announced > _SEVERITY[danger.box]:
                yield Fault(
                    line.number,
                    f"this command {danger.effect}: before it, in the same step, add a box that names what it affects, "
                    f"starting with a line '> [!{danger.box}]'",
                )


def danger_of(command: str) -> Danger | None:
    """Return what is destructive about a command line, or None."""
    start = command[:LONGEST_COMMAND]
    return next((danger for danger in _dangers() if danger.pattern.search(start)), None)


def _commands(text: str, *, code: bool, entered: bool) -> list[str]:
    if code:
        return [] if text.lstrip().startswith("#") else [text.strip()]
    return _INLINE_CODE.findall(text) if entered else []


@cache
def _dangers() -> tuple[Danger, ...]:
    rows = (line.split("\t") for line in data_lines("destructive_commands.tsv"))
    return tuple(Danger(re.compile(pattern), box, effect) for pattern, box, effect in rows)
