"""Maps the sections of a runbook to those of a page, where their headings make it obvious."""

from __future__ import annotations

import re

from knowledge.procedure_import.document import Document, Section
from knowledge.procedure_store.body import SECTIONS, Line, body_lines

_WORDS = {
    "When": (
        "when", "when to use", "symptom", "symptoms", "alert", "meaning", "impact", "trigger", "triggers", "problem",
        "problem description", "issue", "description", "overview", "introduction", "context", "background", "detection",
        "scope", "purpose", "what it means",
    ),
    "Before": (
        "before", "before you begin", "before you start", "prerequisites", "prerequisite", "requirements",
        "preparation", "preparations", "warning", "warnings", "caution", "precautions", "access", "required access",
        "assumptions",
    ),
    "Steps": (
        "steps", "step by step", "procedure", "procedures", "mitigation", "mitigations", "resolution", "remediation",
        "fix", "the fix", "how to fix", "solution", "workaround", "action", "actions", "response", "instructions",
        "recovery", "recovery steps", "diagnosis", "diagnose", "diagnostics", "investigation", "investigate", "triage",
        "troubleshooting", "debugging", "runbook", "playbook", "execution", "implementation", "what to do",
    ),
    "Check": (
        "check", "checks", "verification", "verify", "validation", "validate", "confirm", "confirmation", "test",
        "tests", "testing", "expected result", "how to verify", "post checks", "success criteria",
    ),
    "Undo": (
        "undo", "rollback", "roll back", "rollback plan", "rollback steps", "revert", "reverting", "backout",
        "back out", "backout plan", "restore", "how to roll back",
    ),
}  # fmt: skip
_SECTION_OF = {word: section for section, words in _WORDS.items() for word in words}

MISSING = {
    "Before": "The imported page names no preparations.",
    "Steps": "The imported page has no steps.",
    "Check": "The imported page does not say how to check the result.",
    "Undo": "The imported page does not say how to go back.",
}
"""What stands in a section that the imported page does not have."""


def page_sections(document: Document, summary: str) -> list[Section]:
    """Return the sections of a page, in its order, with all text of the document; those that fit none come last.

    When the document has no steps, its other sections are the steps, or else its text.
    """
    fitting: dict[str, list[Section]] = {name: [] for name in SECTIONS}
    rest: list[Section] = []
    for section in document.sections:
        if not any(line.strip() for line in section.lines):
            continue
        if not _filled(section.lines):
            section = Section(section.heading, [*section.lines, "", "Nothing is written here."])
        name = _SECTION_OF.get(_key(section.heading))
        (fitting[name] if name else rest).append(section)
    intro = document.intro
    if not fitting["Steps"] and rest:
        fitting["Steps"], rest = rest, []
    elif not fitting["Steps"] and not document.sections:
        fitting["Steps"], intro = [Section("Steps", intro)], []
    found = []
    for name in SECTIONS:
        lines = [*(intro if name == "When" else ()), *_joined(name, fitting[name])]
        found.append(Section(name, lines if _filled(lines) else [*lines, "", MISSING.get(name, summary)]))
    return [*found, *_distinct(rest)]


def _joined(name: str, sections: list[Section]) -> list[str]:
    lines: list[str] = []
    for section in sections:
        own = _key(section.heading) == name.lower()
        deeper = section.lines if own else [_deeper(line) for line in body_lines(section.lines, 0)]
        lines += ["", *([] if own else [f"### {section.heading}", ""]), *deeper]
    return lines


def _deeper(line: Line) -> str:
    """A heading one level deeper, because its section became a part of another one."""
    return f"#{line.text}" if line.kind == "text" and re.match(r"#{3,5} ", line.text) else line.text


def _distinct(sections: list[Section]) -> list[Section]:
    """The sections with headings that occur only once."""
    taken = set(SECTIONS)
    found = []
    for section in sections:
        heading, number = section.heading, 1
        while heading in taken:
            number += 1
            heading = f"{section.heading} ({number})"
        taken.add(heading)
        found.append(Section(heading, section.lines))
    return found


def _filled(lines: list[str]) -> bool:
    """Whether there is text that is not a heading."""
    return any(
        line.text.strip() and not (line.kind == "text" and re.match(r" {0,3}#{1,6}(?: |$)", line.text))
        for line in body_lines(lines, 0)
    )


def _key(heading: str) -> str:
    """The words of a heading: without numbering, signs and emphasis, in lower case."""
    words = re.sub(r"[^\w\s]|_", " ", heading.casefold())
    return " ".join(re.sub(r"^\s*\d+\s+", "", words).split())
