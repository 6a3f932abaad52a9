"""Templates for pages of a team, one for each kind of page; `vmkops kb check` reports the lines to replace."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

KINDS = {
    "alert": "what to do when an alert fires",
    "failure": "something is broken: find the cause, and fix it",
    "maintenance": "planned work, with a way back",
    "reference": "facts to look up",
}
"""The kinds of templates, and what each is for."""

_STRUCTURE = re.compile(r"|---|#.*|[`~]{3}.*|> \[!\w+\]|[a-z_]+:|\|[ |-]*\||vmkops .*")
"""Lines of a template that say nothing about the subject: headings, fences, keys and the like."""
_CAN_STAY = frozenset({
    "- on call", "- maintenance", "- reference",
    "| You see | Cause | Go on with |", "| Name | Value | Where it is set |",
    "1. Look at the object that the alert names:", "1. Look, without changing anything:", "2. Decide:",
    "1. Check that the start is healthy:", "1. Look up the fact:",
    "2. If it is missing or wrong here, tell who changes it, and correct this page.",
    "- The change is approved, and those who are affected know the time.",
    "- A backup is good, and its restore was tried.",
    "- You know until when you must stop and go back.",
    "3. Bring everything back into service, and report the end of the work.",
    "Nothing to undo: the page only informs.",
})  # fmt: skip
"""Lines of a template that are right in a page as they are."""

_FOLDER = Path(__file__).parents[1] / "data" / "page_templates"


def template(kind: str) -> str:
    """Return the template of a kind in KINDS, as the text of a page."""
    return (_FOLDER / f"{kind}.md").read_text("utf-8")


def template_lines(lines: list[str]) -> list[int]:
    """Return the numbers, from 1, of the lines that still have the words of a template, which say what to write."""
    placeholders = _placeholders()
    return [number for number, line in enumerate(lines, start=1) if line.strip() in placeholders]


@cache
def _placeholders() -> frozenset[str]:
    """The lines of all templates, except for those that can stay in a page."""
    found: set[str] = set()
    for kind in KINDS:
        lines = template(kind).split("\n")
        found |= {line.strip() for line in lines if not _STRUCTURE.fullmatch(line.strip())}
    return frozenset(found - _CAN_STAY)
