"""Finds the texts of vmkernel status in log lines: next to a code, where they determine its meaning, and standalone.

A text counts only where it stands as a status and is spelled as the vmkernel spells it: after a colon, a dash, an
equals sign, an opening bracket, or words such as ``due to``, ``failed`` and ``status``. The same words as part of a
sentence (``READ error 0xbad00e5``, ``lookup of world not found``) are the sender's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from knowledge.vmkerr.table import Row, Tables, as_words

LONGEST = 160
"""Characters; enough for the longest known text (121) and the characters between it and its code."""

_LEAD = re.compile(
    r"(?:status(?:\s*[:=])?|due to|error[:=]?|reason[:=]|failed(?: with)?:?|returned:?)\s*[\"“]?(?=\w)",
    re.IGNORECASE,
)
_LEADS = ("status", "due to", "error", "reason", "failed", "returned")
_BEFORE_TEXT = re.compile(
    r"(?:^|[:=(\[<\"“]|\s[-–]\s"
    r"|\b(?:status|due to|error|reason|failed|failed with|returned|with|code|rc|result))\s*[\"“]?$",
    re.IGNORECASE,
)
_OPENING = (":", "=", "(", "[", "<", '"', "“")
"""The characters of ``_BEFORE_TEXT``: nearly every text comes after one of them."""
_LONGEST_LEAD = 40
"""Characters; enough for ``_BEFORE_TEXT`` with the blanks that programs print."""
_CLOSING = ('"', "”")
_BETWEEN = ("(", "[", "<", ":", "=", ",")
"""What may stand between a text, with or without closing quotes, and its code."""
_VMKERNEL_LINE = re.compile(
    r"\bcpu[\d#]+:[\d#]+\)|(?:^|: )[A-Z]\w*: (?:\w+:\s?)?\d{1,5}: |\b(?:VMW_(?:SATP|PSP)_\w+|(?:nmp|satp|psp)_\w+):"
)
"""The CPU and world of a line; or, where these are cut off, its module and line number, or a multipathing plugin."""
_FAILURE = re.compile(r"fail|error|unable|could ?n[o']t|cannot|can't|lost|abort", re.IGNORECASE)
_ENDED = re.compile(r"[\"”'.)\]]*\s*(?:$|[,;:@\"”]|\.\s|0x[0-9a-f]{1,2}/0x)", re.IGNORECASE)
_AFTER_CODE = re.compile(r"[)>\]]?\s*[(=:]\s*[\"“']?")
_NOT_CONTINUED = re.compile(r"(?!\w|-\w| [a-z])")
_TEXT_AT_END = re.compile(r"(?::\s?| [-–]\s)$")
_SUCCESS = frozenset({"Success", "OK"})
_DISTINCTIVE = 3
"""Words of a text that a program other than the vmkernel hardly writes by chance."""


class Text(NamedTuple):
    """The text of a status without a code: its position in the line, and the description in the table."""

    start: int
    end: int
    description: str


class _Texts:
    """An index of all texts of some tables.

    ``rows`` is by the words of a text. ``starting`` has the texts as written by their first three characters, and
    ``ending`` each text without the period that some end with, and as written, by its last three; longer ones first.
    """

    def __init__(self, tables: Tables) -> None:
        self.rows: dict[str, list[Row]] = {}
        self.starting: dict[str, list[str]] = {}
        self.ending: dict[str, list[tuple[str, str]]] = {}
        for row in tables.rows:
            self.rows.setdefault(as_words(row.description), []).append(row)
        self.all = sorted({row.description for row in tables.rows} - _SUCCESS, key=len, reverse=True)
        for description in self.all:
            self.starting.setdefault(description[:3], []).append(description)
            bare = description.rstrip(".")
            self.ending.setdefault(bare[-3:], []).append((bare, description))


@lru_cache(maxsize=8)
def _texts(tables: Tables) -> _Texts:
    return _Texts(tables)


@lru_cache(maxsize=8)
def signs(tables: Tables) -> frozenset[str]:
    """Return regular expressions, one of which each line with a text matches."""
    return frozenset(map(_sign, _texts(tables).all))


def _sign(text: str) -> str:
    written = re.escape(text.rstrip(".")).replace("\\ ", " ").replace("'", "(?:'|\\xe2\\x80\\x99)")
    return f"(?-i){written}" if " " in text else rf"(?-i)[:=(\[<\"\x9c ] ?{written}"


def rows_of(text: str, tables: Tables) -> list[Row]:
    """Return the rows with this text, regardless of case and punctuation."""
    return _texts(tables).rows.get(as_words(text), [])


def text_next_to(line: str, start: int, end: int, tables: Tables) -> str:
    """Return the status text that stands directly before or after the code at ``start`` to ``end``, or ``""``."""
    return text_before(line, start, tables) or _text_after(line, end, tables)


def text_before(line: str, start: int, tables: Tables) -> str:
    """Return the status text that stands directly before the code at ``start``, or an empty string."""
    before = line[max(0, start - LONGEST) : start].replace("’", "'").rstrip()
    if before.endswith(_BETWEEN):
        before = before[:-1].rstrip()
    if before.endswith(_CLOSING):
        before = before[:-1]
    before = before.rstrip(".")
    for bare, text in _texts(tables).ending.get(before[-3:], ()):
        if before.endswith(bare):
            end = len(before) - len(bare)
            lead = max(0, end - _LONGEST_LEAD)
            if before[lead:end].rstrip().endswith(_OPENING) or _BEFORE_TEXT.search(before, lead, end):
                return text
    return ""


def _text_after(line: str, end: int, tables: Tables) -> str:
    opening = _AFTER_CODE.match(line, end)
    if opening is None:
        return ""
    after = line[opening.end() : opening.end() + LONGEST].replace("’", "'")
    for text in _texts(tables).starting.get(after[:3], ()):
        if after.startswith(text) and _NOT_CONTINUED.match(after, len(text)):
            return text
    return ""


def standalone_texts(line: str, lower: str, tables: Tables) -> Iterator[Text]:
    """Yield the texts of a line that certainly are those of a status, although they may have no code.

    ``lower`` is the line in lower case. The text after the last colon or dash counts too when a line of the
    vmkernel ends with it, and in any other line when it is distinctive or the line reports a failure.
    """
    for lead in _LEADS:
        at = lower.find(lead)
        while at >= 0:
            found = _LEAD.match(line, at)
            if found and (text := _text_at(line, found.end(), tables)):
                yield text
            at = lower.find(lead, at + 1)
    if text := _text_at_end(line, tables):
        yield text


def _text_at(line: str, start: int, tables: Tables) -> Text | None:
    for description in _texts(tables).starting.get(line[start : start + 3].replace("’", "'"), ()):
        end = start + len(description)
        if line[start:end].replace("’", "'") == description and _ENDED.match(line, end):
            return Text(start, end, description)
    return None


def _text_at_end(line: str, tables: Tables) -> Text | None:
    tail = line[-LONGEST:].rstrip(" .\r\n").replace("’", "'")
    for bare, description in _texts(tables).ending.get(tail[-3:], ()):
        if not tail.endswith(bare):
            continue
        start = len(tail) - len(bare)
        if not _TEXT_AT_END.search(tail, 0, start):
            return None  # a shorter text would be a part of this one
        cut = max(0, len(line) - LONGEST)
        is_status = (
            _VMKERNEL_LINE.search(line, 0, LONGEST)
            or len(description.split()) >= _DISTINCTIVE
            or _FAILURE.search(line, 0, cut + start)
        )
        return Text(cut + start, cut + len(tail), description) if is_status else None
    return None
