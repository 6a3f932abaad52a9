"""A run as text: Markdown to paste into the incident, and plain text for a terminal."""

from __future__ import annotations

import re
import textwrap

from knowledge.procedure_store.boxes import readable_boxes
from knowledge.runs.items import SECTIONS, Item
from knowledge.runs.marks import Mark, Progress, State, attributed, notes, standings
from knowledge.runs.procedure_run import ProcedureRun, progress

BOXES = {State.OPEN: "[ ]", State.DONE: "[x]", State.SKIPPED: "[-]"}

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~])")
_ADDRESS = re.compile(r"https?://[^\s<>()\[\]|`*\\]+")
_NAMES = {"vm": "VM", "host": "host", "datastore": "datastore"}


def run_markdown(run: ProcedureRun) -> str:
    """Return the run for an incident: title, targets and progress, and each step with who did it, when, and notes."""
    lines = [f"# {plain(run.title)}", "", f"- Procedure: `{run.procedure}`"]
    if run.incident:
        lines.append(f"- Incident: {run.incident if _ADDRESS.fullmatch(run.incident) else plain(run.incident)}")
    if run.targets:
        targets = (f"{_NAMES[name]} {plain(value)}" for name, value in run.targets.items())
        lines.append(f"- About: {', '.join(targets)}")
    started_by = plain(attributed(run.started_by, run.started_token))
    lines += [f"- Started by {started_by}, {run.started_at}", f"- {in_words(progress(run))}"]
    last, more = standings(run.marks), notes(run.marks)
    for section in SECTIONS:
        if items := [item for item in run.items if item.section == section]:
            lines += ["", f"## {section}", ""]
            for item in items:
                lines += _lines(item, last.get(item.id), more.get(item.id, ()))
    return "\n".join(lines) + "\n"


def run_text(run: ProcedureRun, run_id: str) -> str:
    """Return the run for a terminal: each step with its state, and what is still to do in full, warnings too."""
    about = [f"{_NAMES[name]} {value}" for name, value in run.targets.items()]
    about += [f"incident {run.incident}"] if run.incident else []
    lines = [run.title, f"run {run_id} of {run.procedure}{''.join(f', {each}' for each in about)}"]
    started_by = attributed(run.started_by, run.started_token)
    lines += [f"started by {started_by}, {run.started_at}; {in_words(progress(run))}"]
    lines += ["", "Before", *textwrap.indent(readable_boxes(run.before), "  ").split("\n")]
    last, more = standings(run.marks), notes(run.marks)
    section = ""
    for item in run.items:
        if item.section != section:
            section = item.section
            lines += ["", section]
        mark = last.get(item.id)
        state = mark.state if mark else State.OPEN
        in_full = state is State.OPEN and item.text != item.title
        lines.append(f"{BOXES[state]} {item.id}{'' if in_full else f'  {item.title}'}")
        if mark:
            lines.append(f"      {mark.state} by {mark.by}, {mark.when}{_after(mark.note)}")
        lines += [f"      note by {each.by}, {each.when}{_after(each.note)}" for each in more.get(item.id, ())]
        if in_full:
            lines += textwrap.indent(readable_boxes(item.text), "      ").split("\n")
    return "\n".join(lines) + "\n"


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


def _lines(item: Item, mark: Mark | None, more: tuple[Mark, ...]) -> list[str]:
    lines = [f"- {BOXES[mark.state if mark else State.OPEN]} `{item.id}` {item.title}"]
    if mark:
        lines.append(f"  - {mark.state} by {plain(mark.by)}, {mark.when}{_after(plain(mark.note))}")
    return [*lines, *(f"  - note by {plain(each.by)}, {each.when}{_after(plain(each.note))}" for each in more)]


def _after(note: str) -> str:
    return f": {note}" if note else ""
