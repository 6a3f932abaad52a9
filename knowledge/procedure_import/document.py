"""Reads a Markdown document as a title, a text before the first section, and sections."""

from __future__ import annotations

import re
from typing import NamedTuple

from knowledge.procedure_store.body import LIST_MARKER, body_lines

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
_BLOCK = re.compile(rf"\s*(?:{LIST_MARKER} |[|>#]|$)| {{4}}|\t")
_FENCE = re.compile(rf"([ >]*(?:{LIST_MARKER} +)*)(`{{3,}}|~{{3,}})(.*)")


class Section(NamedTuple):
    """A heading, and the lines below it; the headings in them start at the third level."""

    heading: str
    lines: list[str]


class Document(NamedTuple):
    """A document; ``title`` is empty when no heading can be it."""

    title: str
    intro: list[str]
    sections: list[Section]


class _Heading(NamedTuple):
    level: int
    text: str


def read_document(lines: list[str], *, titled: bool) -> Document:
    """Return the parts of a document; code blocks get a language and an end where they have none.

    With ``titled``, the title is known already, and only a heading of the first level that is alone repeats it.
    """
    parts = _parts(lines)
    levels = [part.level for part in parts if isinstance(part, _Heading)]
    title = ""
    first = next((place for place, part in enumerate(parts) if isinstance(part, _Heading)), None)
    if first is not None:
        top = parts[first]
        assert isinstance(top, _Heading)
        alone = levels.count(top.level) == 1
        if (titled and top.level == 1 and alone) or (not titled and (top.level == 1 or alone)):
            title = top.text
            del parts[first]
            levels.remove(top.level)
    intro: list[str] = []
    sections: list[Section] = []
    level = min(levels, default=1)
    for part in parts:
        if isinstance(part, str):
            (sections[-1].lines if sections else intro).append(part)
        elif part.level == level:
            sections.append(Section(part.text or "More", []))
        else:
            lines_ = sections[-1].lines if sections else intro
            lines_ += ["", f"{'#' * min(6, part.level - level + 2)} {part.text or 'More'}", ""]
    return Document(title, intro, sections)


def first_paragraph(lines: list[str]) -> str:
    """Return the first paragraph of the lines on one line, without links, images and emphasis; empty without one."""
    words: list[str] = []
    for line in body_lines(lines, 0):
        if line.kind == "text" and not _BLOCK.match(line.text):
            words.append(line.text.strip())
        elif words:
            break
    text = re.sub(r"!?\[([^\[\]]*)\]\([^()]*\)", r"\1", " ".join(words))
    return " ".join(re.sub(r"\*\*|__|`", "", text).split())


def _parts(lines: list[str]) -> list[str | _Heading]:
    parts: list[str | _Heading] = []
    opened = ""
    apart = True  # whether a paragraph can begin at this line
    paragraph = False  # whether the line above is a paragraph of one line, which a line of dashes makes a heading
    for line in body_lines(lines, 0):
        fence = _FENCE.fullmatch(line.text) if line.kind == "open" else None
        heading = _HEADING.fullmatch(line.text) if line.kind == "text" else None
        under = _UNDERLINE.fullmatch(line.text) if line.kind == "text" and paragraph else None
        if fence:
            opened = " " * len(fence[1]) + fence[2]
            parts.append(line.text if fence[3].strip() else f"{line.text.rstrip()}text")
        elif heading:
            parts.append(_Heading(len(heading[1]), _heading_text(heading[2] or "")))
        elif under:
            text = parts.pop()
            assert isinstance(text, str)
            parts.append(_Heading(1 if under[1][0] == "=" else 2, _heading_text(text)))
        else:
            parts.append(line.text)
        opened = "" if line.kind == "close" else opened
        paragraph = apart and line.kind == "text" and not (heading or under or _BLOCK.match(line.text))
        apart = bool(heading or under) or (line.kind == "text" and not line.text.strip())
    return [*parts, opened] if opened else parts


def _heading_text(text: str) -> str:
    """The words of a heading, without code: a command in a heading could have no box before it."""
    return " ".join(text.replace("`", "").split())
