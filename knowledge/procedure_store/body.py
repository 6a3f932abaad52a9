"""The body of a page: which lines are code, whether the sections have their shape, which pages it links to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from knowledge.procedure_store.front_matter import Fault

SECTIONS = ("When", "Before", "Steps", "Check", "Undo")
"""The second-level headings of every page, in this order; others may stand between or after them."""

_HEADING = re.compile(r" {0,3}(#{1,6})(?: +(.*?))?(?: +#+)? *")
_CODE_FENCE = re.compile(r"[ >]*(?:(?:[-*+]|\d+[.)]) +)*(`{3,}|~{3,})(.*)")
_PAGE_LINK = re.compile(r"\]\(([^)\s:/]+)\.md(?:#[^)\s]*)?\)")


class Line(NamedTuple):
    """A line of the body: its number in the file from 1, and what it is to a fenced code block."""

    number: int
    text: str
    kind: Literal["text", "open", "code", "close"]


class PageLink(NamedTuple):
    """A link from one page to another: the line it stands on, from 1, and the slug it names."""

    line: int
    slug: str


def page_links(lines: list[str]) -> list[PageLink]:
    """The links of a page to other pages, written ``[words](slug.md)``, outside of code blocks."""
    return [
        PageLink(line.number, found[1])
        for line in body_lines(lines, 0)
        if line.kind == "text"
        for found in _PAGE_LINK.finditer(line.text)
    ]


def body_lines(lines: list[str], start: int) -> Iterator[Line]:
    """The lines after the first ``start`` ones, each with what it is to a fenced code block."""
    closing: re.Pattern[str] | None = None
    for number, text in enumerate(lines[start:], start=start + 1):
        if closing:
            ends = closing.fullmatch(text)
            yield Line(number, text, "close" if ends else "code")
            closing = None if ends else closing
        elif (fence := _CODE_FENCE.fullmatch(text)) and not (fence[1][0] == "`" and "`" in fence[2]):
            closing = re.compile(rf"[ >]*{fence[1][0]}{{{len(fence[1])},}} *")
            yield Line(number, text, "open")
        else:
            yield Line(number, text, "text")


def body_faults(lines: list[str], start: int) -> Iterator[Fault]:
    """What is wrong with the body, which starts after ``start`` lines: its sections and code blocks."""
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
        heading = _HEADING.fullmatch(text) if kind == "text" else None
        if heading is None:
            if text.strip():
                filled.add(len(sections))
        elif heading[1] == "#":
            yield Fault(number, "the title stands in the facts: start with '## When'")
        elif heading[1] == "##":
            sections.append(((heading[2] or "").strip(), number))
    if opened:
        yield Fault(opened, "the code block is not closed")
    yield from _section_faults(sections, filled, len(lines))


def _section_faults(sections: list[tuple[str, int]], filled: set[int], last_line: int) -> Iterator[Fault]:
    """What is missing, doubled, empty or out of order among the headings; ``filled`` counts them from 1."""
    names = [name for name, _ in sections]
    for name in SECTIONS:
        if name not in names:
            yield Fault(last_line, f"the section '## {name}' is missing: if there is nothing to say, say so")
    for place, (name, line) in enumerate(sections):
        if name in names[:place]:
            yield Fault(line, f"the section '## {name}' stands here twice")
        if place + 1 not in filled:
            yield Fault(line, f"the section '## {name}' is empty: if there is nothing to say, say so")
    ours = [name for name in dict.fromkeys(names) if name in SECTIONS]
    if ours != [name for name in SECTIONS if name in ours]:
        line = next(line for name, line in sections if name in SECTIONS)
        yield Fault(line, f"the sections have to come in this order: {', '.join(SECTIONS)}")
