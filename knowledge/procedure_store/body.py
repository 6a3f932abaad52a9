"""The body of a page: finds its code blocks and its links to other pages, and checks its sections."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from knowledge.procedure_store.front_matter import Fault

SECTIONS = ("When", "Before", "Steps", "Check", "Undo")
"""The second-level headings of every page, in this order; other headings may be between or after them."""

LIST_MARKER = r"(?:\d{1,9}[.)]|[-*+])"
"""A pattern for what begins an item of a list (https://spec.commonmark.org/0.31.2/#list-items)."""

_HEADING = re.compile(r" {0,3}(#{1,6})(?: +(.*?))?(?: +#+)? *")
_CODE_FENCE = re.compile(rf"[ >]*(?:{LIST_MARKER} +)*(`{{3,}}|~{{3,}})(.*)")
_PAGE_LINK = re.compile(r"\]\(([^()\s:/]{1,200})\.md(?:#[^)\s]*)?\)")


class Line(NamedTuple):
    """A line of the body: its number in the file from 1, its text, and its role in a fenced code block."""

    number: int
    text: str
    kind: Literal["text", "open", "code", "close"]


class PageLink(NamedTuple):
    """A link from one page to another: its line number from 1, and the slug of the other page."""

    line: int
    slug: str


def page_links(lines: list[str]) -> list[PageLink]:
    """Return the links of a page to other pages, written ``[words](slug.md)``, outside of code blocks."""
    return [
        PageLink(line.number, found[1])
        for line in body_lines(lines, 0)
        if line.kind == "text" and ".md" in line.text
        for found in _PAGE_LINK.finditer(line.text)
    ]


def body_lines(lines: list[str], start: int) -> Iterator[Line]:
    """Yield the lines after the first ``start`` ones, each with its role in a fenced code block."""
    closing: re.Pattern[str] | None = None
    for number, text in enumerate(lines[start:], start=start + 1):
        if closing:
            ends = closing.fullmatch(text)
            yield Line(number, text, "close" if ends else "code")
            closing = None if ends else closing
        elif (
            ("```" in text or "~~~" in text)
            and (fence := _CODE_FENCE.fullmatch(text))
            and not (fence[1][0] == "`" and "`" in fence[2])
        ):
            closing = re.compile(rf"[ >]*{fence[1][0]}{{{len(fence[1])},}} *")
            yield Line(number, text, "open")
        else:
            yield Line(number, text, "text")


def language_of(opening: str) -> str:
    """Return the language of a code block, the first word of its opening line; empty when it has none."""
    fence = _CODE_FENCE.fullmatch(opening)
    words = fence[2].split() if fence else []
    return words[0] if words else ""


def body_faults(lines: list[str], start: int) -> Iterator[Fault]:
    """Yield the faults in the sections and code blocks of the body, which starts after ``start`` lines."""
    sections: list[tuple[str, int]] = []
    filled: set[int] = set()
    opened = 0
    for number, text, kind in body_lines(lines, start):
        if kind == "open":
            opened = number
            if (fence := _CODE_FENCE.fullmatch(text)) and not fence[2].strip():
                yield Fault(number, "the code block has no language: write ```sh, ```text or the like")
        elif kind == "close":
            opened = 0
        heading = _HEADING.fullmatch(text) if kind == "text" and "#" in text else None
        if heading is None:
            if text.strip():
                filled.add(len(sections))
        elif heading[1] == "#":
            yield Fault(number, "the title belongs in the front matter: start the body with '## When'")
        elif heading[1] == "##":
            sections.append(((heading[2] or "").strip(), number))
    if opened:
        yield Fault(opened, "the code block is not closed")
    yield from _section_faults(sections, filled, len(lines))


def _section_faults(sections: list[tuple[str, int]], filled: set[int], last_line: int) -> Iterator[Fault]:
    """Yield a fault for each section that is missing, repeated, empty or out of order.

    ``sections`` has the heading and line of each section; ``filled`` the numbers, from 1, of those with text.
    """
    names = [name for name, _ in sections]
    for name in SECTIONS:
        if name not in names:
            yield Fault(last_line, f"the section '## {name}' is missing: if there is nothing to do, write that")
    for place, (name, line) in enumerate(sections):
        if name in names[:place]:
            yield Fault(line, f"the section '## {name}' is here twice")
        if place + 1 not in filled:
            yield Fault(line, f"the section '## {name}' is empty: if there is nothing to do, write that")
    required = [name for name in dict.fromkeys(names) if name in SECTIONS]
    if required != [name for name in SECTIONS if name in required]:
        line = next(line for name, line in sections if name in SECTIONS)
        yield Fault(line, f"the sections must be in this order: {', '.join(SECTIONS)}")
