"""Takes the steps and checks out of a procedure, as the items of a run."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.procedure_store.body import LIST_MARKER, Line, body_lines
from knowledge.procedure_store.boxes import box_kind

SECTIONS = {"Steps": "step", "Check": "check"}
"""The sections whose list items become items of a run, and how the ids of those start."""

LONGEST_TITLE = 200

_SECTION = re.compile(r" {0,3}## +(.*?)(?: +#+)? *")
_HEADING = re.compile(r" {0,3}#{3,6} ")
_HEADING_TEXT = re.compile(r"#{3,6} +(.*?)(?: +#+)? *(?:\n|$)")
_MARKER = re.compile(rf"{LIST_MARKER} +")
_QUOTE = re.compile(r"\s*> ?")
_BLOCK = re.compile(rf"\s*(?:{LIST_MARKER} |[|>#]|$)")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A warning of a step."""

    kind: str
    """``CAUTION``, ``WARNING``, ``IMPORTANT``, ``NOTE`` or ``TIP``."""
    text: str
    """Markdown, on one line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One step or check of a procedure."""

    id: str
    """``step-1``, ``step-2``, ``check-1`` and so on, in the order of the page."""
    section: str
    """``Steps`` or ``Check``."""
    title: str
    """Its first sentences, as Markdown on one line without links."""
    text: str
    """All of it, as Markdown: boxes and commands too."""
    boxes: tuple[Box, ...]
    """Its warnings, which are in `text` as well."""


def procedure_items(body: str) -> tuple[Item, ...]:
    """Return the steps and checks of a procedure, in order.

    An item is an item of the outermost list in the section. A heading belongs to the item below it, any other text to
    the item above it. In a section without a list, each heading starts an item; without headings, it is one item.
    """
    return tuple(
        _item(f"{SECTIONS[section]}-{number}", section, lines)
        for section, parts in _sections(body)
        for number, lines in enumerate(parts, start=1)
    )


def item_count(body: str) -> int:
    """Return how many items `procedure_items` would return, in a fraction of its time."""
    return sum(len(parts) for _, parts in _sections(body))


def section_text(body: str, name: str) -> str:
    """Return the text of a section, as Markdown; empty when the body does not have it."""
    return "\n".join(line.text for line in _lines_of(body).get(name, [])).strip("\n")


def _sections(body: str) -> Iterator[tuple[str, list[list[Line]]]]:
    """Yield each of SECTIONS that the body has, with the lines of each of its items."""
    found = _lines_of(body)
    for name in SECTIONS:
        if parts := _split(found.get(name, [])):
            yield name, parts


def _lines_of(body: str) -> dict[str, list[Line]]:
    """The lines of each section of the second level, by its heading."""
    found: dict[str, list[Line]] = {}
    section = ""
    for line in body_lines(body.split("\n"), 0):
        heading = _SECTION.fullmatch(line.text) if line.kind == "text" else None
        if heading:
            section = heading[1]
        else:
            found.setdefault(section, []).append(line)
    return found


def _split(lines: list[Line]) -> list[list[Line]]:
    if not any(map(_starts_item, lines)):
        return _split_at_headings(lines)
    parts: list[list[Line]] = []
    ahead: list[Line] = []  # what belongs to the next item
    listed = False
    for line in lines:
        if _starts_item(line):
            parts.append([*ahead, line])
            ahead, listed = [], True
        elif ahead or not listed or (line.kind == "text" and _HEADING.match(line.text)):
            ahead.append(line)
        else:
            parts[-1].append(line)
    parts[-1] += ahead
    return parts


def _starts_item(line: Line) -> bool:
    """Whether the line starts an item of the outermost list; its text can be the fence of a code block."""
    return line.kind in ("text", "open") and bool(_MARKER.match(line.text))


def _split_at_headings(lines: list[Line]) -> list[list[Line]]:
    parts: list[list[Line]] = [[]]
    for line in lines:
        if line.kind == "text" and _HEADING.match(line.text) and any(each.text.strip() for each in parts[-1]):
            parts.append([])
        parts[-1].append(line)
    return [part for part in parts if any(line.text.strip() for line in part)]


def _item(id_: str, section: str, lines: list[Line]) -> Item:
    texts, own = [], False
    for line in lines:
        marker = _MARKER.match(line.text) if _starts_item(line) else None
        if marker:
            texts.append(" " * marker.end() + line.text[marker.end() :])
            own = True
        else:
            texts.append(line.text if own else f"{' ' * 3}{line.text}".rstrip())
    text = _dedented(texts)
    heading = None if own else _HEADING_TEXT.match(text)
    title = heading[1] if heading else _title(text)
    return Item(id=id_, section=section, title=_shortened(title), text=text, boxes=tuple(_boxes(text)))


def _dedented(lines: list[str]) -> str:
    """The lines without the indentation of a list item; a line that is indented less keeps its text."""
    first = next((line for line in lines if line.strip()), "")
    width = len(first) - len(first.lstrip(" "))
    cut = (line[min(width, len(line) - len(line.lstrip(" "))) :].rstrip() for line in lines)
    return textwrap.dedent("\n".join(cut)).strip("\n")


def _title(text: str) -> str:
    """The first paragraph that is not a box, on one line."""
    words: list[str] = []
    for line in body_lines(text.split("\n"), 0):
        plain = line.kind == "text" and not _BLOCK.match(line.text)
        if plain:
            words.append(line.text.strip())
        elif words:
            break
    return " ".join(words) or " ".join(text.split())


def _shortened(words: str) -> str:
    title = _LINK.sub(r"\1", words)
    if len(title) <= LONGEST_TITLE:
        return title
    cut = title[: LONGEST_TITLE - 1]
    return (cut[: cut.rindex("`")] if cut.count("`") % 2 else cut) + "…"  # not in the middle of code


def _boxes(text: str) -> Iterator[Box]:
    kind, words = "", list[str]()
    for line in [*body_lines(text.split("\n"), 0), Line(0, "", "text")]:
        started = box_kind(line.text) if line.kind == "text" else None
        quoted = line.kind == "text" and line.text.lstrip().startswith(">")
        if kind and (started or not quoted):
            yield Box(kind=kind, text=" ".join(" ".join(words).split()))
            kind, words = "", []
        if started:
            kind = started
        elif kind:
            words.append(_QUOTE.sub("", line.text, count=1))
