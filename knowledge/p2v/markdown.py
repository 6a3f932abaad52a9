"""Formats the P2V checklist, or a run of it, as Markdown to read, to paste into an incident, or to print."""

from __future__ import annotations

from knowledge.p2v.checklist import Checklist, Command, Item
from knowledge.p2v.run import Mark, Run, State, progress, standings
from knowledge.runs.markdown import BOXES
from knowledge.runs.markdown import plain as _plain


def checklist_markdown(checklist: Checklist) -> str:
    """Return the checklist with an open box for every step."""
    return _document(checklist, [], {})


def run_markdown(run: Run) -> str:
    """Return the run with its progress, and each step with who did or skipped it, when, and the note."""
    now = progress(run)
    state = "finished" if now.finished else f"next: `{now.next}`"
    head = [
        f"Started by {_plain(run.started_by)}, {run.started_at}.",
        f"{now.done} done, {now.skipped} skipped, {now.open} open of {now.total}; {state}.",
    ]
    return _document(run.checklist, head, standings(run))


def _document(checklist: Checklist, head: list[str], marks: dict[str, Mark]) -> str:
    title = f"# Linux P2V: {_plain(checklist.distribution)} {_plain(checklist.source.version)}".rstrip()
    lines = [title, "", *(line for text in head for line in (text, ""))]
    lines += [f"> {_plain(note)}" for note in checklist.notes]
    for phase in checklist.phases:
        lines += ["", f"## {phase.title}", ""]
        for item in phase.items:
            lines += _item(item, marks.get(item.id))
    lines += ["", "## Corrections to the page", ""]
    lines += [
        f"- {each.id}: {_plain(each.document)} → {_plain(each.ours)}. {_plain(each.why)}"
        for each in checklist.corrections
    ]
    return "\n".join(lines) + "\n"


def _item(item: Item, mark: Mark | None) -> list[str]:
    box = BOXES[mark.state if mark else State.OPEN]
    optional = " (optional)" if item.optional else ""
    lines = [f"- {box} **{_plain(item.title)}**{optional} `{item.id}`"]
    if mark:
        note = f": {_plain(mark.note)}" if mark.note else ""
        lines.append(f"  - {mark.state} by {_plain(mark.by)}, {mark.when}{note}")
    lines.append(f"  - Why: {_plain(item.why)}")
    lines += [line for command in item.commands for line in _command(command)]
    lines.append(f"  - Check: {_plain(item.check)}")
    if item.warning:
        lines.append(f"  - Warning: {_plain(item.warning)}")
    return lines


def _command(command: Command) -> list[str]:
    note = f" ({_plain(command.note)})" if command.note else ""
    return [f"  - On {_plain(command.on)}{note}:", "", f"        {command.run}", ""]
