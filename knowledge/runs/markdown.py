"""A run as text: Markdown to paste into the incident, and plain text for a terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence

from knowledge.for_people import when
from knowledge.procedure_store.body import LIST_MARKER, body_lines
from knowledge.procedure_store.boxes import readable_boxes
from knowledge.runs.items import SECTIONS, Item
from knowledge.runs.marks import Mark, Progress, State, notes, standings
from knowledge.runs.procedure_run import ProcedureRun, progress

BOXES = {State.OPEN: "[ ]", State.DONE: "[x]", State.SKIPPED: "[-]"}
"""The states on a terminal."""

TASKS = {State.OPEN: "[ ]", State.DONE: "[x]", State.SKIPPED: "[ ]"}
"""The boxes of a Markdown task list, which knows no third state (https://github.github.com/gfm/, 5.3)."""

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~])")
_ADDRESS = re.compile(r"https?://[^\s<>()\[\]|`*\\]+")
_BLOCK = re.compile(rf"\s*(?:{LIST_MARKER} |[|>]|`{{3}}|~{{3}}|$)")
_HEADING = re.compile(r"#{3,6} +(.*?)(?: +#+)? *")
_PAGE_LINK = re.compile(r"\[([^\[\]]*)\]\(([^()\s:/]{1,200})\.md(?:#[^()\s]*)?\)")
_NAMES = {"vm": "VM", "host": "host", "datastore": "datastore"}


def run_markdown(run: ProcedureRun) -> str:
    """Return the run for an incident: title, targets and progress, and each step as a task of a task list.

    A task has the whole step, then who did or skipped it, when, and the notes on it.
    """
    lines = [f"# {plain(run.title)}", "", f"- Procedure: `{run.procedure}`"]
    if run.incident:
        lines.append(f"- Incident: {run.incident if _ADDRESS.fullmatch(run.incident) else plain(run.incident)}")
    if run.targets:
        targets = (f"{_NAMES[name]} {plain(value)}" for name, value in run.targets.items())
        lines.append(f"- About: {', '.join(targets)}")
    lines += [f"- Started by {plain(run.starter)}, {when(run.started_at)}", f"- {in_words(progress(run))}"]
    last, more = standings(run.marks), notes(run.marks)
    for section in SECTIONS:
        if items := [item for item in run.items if item.section == section]:
            lines += ["", f"## {section}", ""]
            for item in items:
                lines += _task(item, last.get(item.id), more.get(item.id, ()))
    return "\n".join(lines).rstrip("\n") + "\n"


def run_text(run: ProcedureRun, run_id: str) -> str:
    """Return the run for a terminal: each step with its state, and what is still to do in full, warnings too."""
    about = [f"{_NAMES[name]} {value}" for name, value in run.targets.items()]
    about += [f"incident {run.incident}"] if run.incident else []
    lines = [run.title, f"run {run_id} of {run.procedure}{''.join(f', {each}' for each in about)}"]
    lines += [f"started by {run.starter}, {when(run.started_at)}; {in_words(progress(run))}"]
    lines += ["", "Before", *textwrap.indent(readable_boxes(run.before), "  ").split("\n")]
    last, more = standings(run.marks), notes(run.marks)
    section = ""
    for item in run.items:
        if item.section != section:
            section = item.section
            lines += ["", section]
        lines.append(item_text(item, last.get(item.id), more.get(item.id, ())))
    return "\n".join(lines) + "\n"


def item_text(item: Item, mark: Mark | None, more: Sequence[Mark]) -> str:
    """Return a step for a terminal: in full while it is open, its title alone when it is done or skipped.

    ``mark`` brought it to its state, and ``more`` are the notes on it.
    """
    state = mark.state if mark else State.OPEN
    in_full = state is State.OPEN and item.text != item.title
    lines = [f"{BOXES[state]} {item.id}{'' if in_full else f'  {item.title}'}"]
    lines += [f"      {change}" for change in _changes(mark, more)]
    if in_full:
        lines += textwrap.indent(readable_boxes(item.text), "      ").split("\n")
    return "\n".join(lines)


def in_words(now: Progress) -> str:
    """Return progress in words: ``2 done, 0 skipped, 3 open of 5; next: step-3``."""
    state = "finished" if now.finished else f"next: {now.next}"
    return f"{now.done} done, {now.skipped} skipped, {now.open} open of {now.total}; {state}"


def plain(text: str) -> str:
    """Return the text on one line with Markdown syntax escaped, except for `code` spans."""
    pieces = re.split(r"(`[^`\n]*`)", " ".join(text.split()))
    return "".join(
        piece if piece.startswith("`") and piece.endswith("`") and len(piece) > 1 else _SPECIAL.sub(r"\\\1", piece)
        for piece in pieces
    )


def in_short(now: Progress) -> str:
    """Return progress on one line: ``3 of 12 done, 1 skipped``."""
    skipped = f", {now.skipped} skipped" if now.skipped else ""
    return f"{now.done} of {now.total} done{skipped}{'; finished' if now.finished else ''}"


def task(state: State, words: str) -> str:
    """Return the first line of a task: its box, and the words; a skipped one is not checked, and says so."""
    return f"- {TASKS[state]} {words}{' (skipped)' if state is State.SKIPPED else ''}"


def _task(item: Item, mark: Mark | None, more: Sequence[Mark]) -> list[str]:
    """The lines of a task. What follows its first paragraph is indented, so that it stays a part of it."""
    lines = [
        _PAGE_LINK.sub(r"\1 (`\2`)", line.text) if line.kind == "text" else line.text
        for line in body_lines(item.text.split("\n"), 0)
    ]
    heading = _HEADING.fullmatch(lines[0])
    first = "" if _BLOCK.match(lines[0]) else heading[1] if heading else lines[0]
    rest = lines[1:] if first else ["", *lines]
    changes = [line for change in _changes(mark, more, plain) for line in ("", change)]
    task_line = task(mark.state if mark else State.OPEN, f"`{item.id}`")
    return [f"{task_line} {first}".rstrip(), *(f"  {line}".rstrip() for line in (*rest, *changes)), ""]


def _changes(mark: Mark | None, more: Sequence[Mark], write: Callable[[str], str] = str) -> list[str]:
    """Who did or skipped a step, and who wrote notes on it; ``write`` makes the words of people safe to print."""
    marks = [*([(str(mark.state), mark)] if mark else []), *(("note", each) for each in more)]
    return [f"{what} by {write(each.name)}, {when(each.when)}{_after(write(each.note))}" for what, each in marks]


def _after(note: str) -> str:
    return f": {note}" if note else ""
