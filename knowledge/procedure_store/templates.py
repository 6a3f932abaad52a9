"""Templates for pages of a team, one for each kind of page; each is a valid page already."""

from __future__ import annotations

from pathlib import Path

KINDS = {
    "alert": "what to do when an alert fires",
    "failure": "something is broken: find the cause, and fix it",
    "maintenance": "planned work, with a way back",
    "reference": "facts to look up",
}
"""The kinds of templates, and what each is for."""

_FOLDER = Path(__file__).parents[1] / "data" / "page_templates"


def template(kind: str) -> str:
    """Return the template of a kind in KINDS, as the text of a page."""
    return (_FOLDER / f"{kind}.md").read_text("utf-8")
