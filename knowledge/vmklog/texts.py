"""Finds the texts of vmkernel status in log lines: next to a code, where they determine its meaning, and standalone.

A standalone text counts only where it is certain: it is everything that follows words such as ``due to`` or
``status``, and is spelled as the vmkernel spells it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from knowledge.vmkerr.table import Row, Tables, as_words

LONGEST = 160
"""Characters; enough for the longest known text (121) and the characters between it and its code."""

_LEAD = re.compile(r"(?:status:?|due to|error:?|reason:|failed(?: with)?:?)\s+[\"“]?(?=(?-i:[A-Z]))", re.IGNORECASE)
_LEADS = ("status", "due to", "error", "reason:", "failed")
_VMKERNEL_LINE = re.compile(r"\bcpu[\d#]+:[\d#]+\)")
_ENDED = re.compile(r"[\"”'.)]*\s*(?:$|[,;\"”]|\.\s|0x[0-9a-f]{1,2}/0x)", re.IGNORECASE)
_AFTER = re.compile(r"[)>\]]?\s*[(=:]\s*[\"“']?(.{3,160})")
_SUCCESS = frozenset({"Success", "OK"})


class Text(NamedTuple):
    """The text of a status without a code: its position in the line, and the description in the table."""

    start: int
    end: int
    description: str


class _Texts:
    """An index of all texts of some tables.

    ``rows`` is by the words of a text, ``starting`` and ``ending`` by its first and last word, and ``written`` by its
    first three characters. Longer texts come first.
    """

    def __init__(self, tables: Tables) -> None:
        self.rows: dict[str, list[Row]] = {}
        self.starting: dict[str, list[str]] = {}
        self.ending: dict[str, list[str]] = {}
        self.written: dict[str, list[str]] = {}
        for row in tables.rows:
            self.rows.setdefault(as_words(row.description), []).append(row)
        for words in sorted(self.rows, key=len, reverse=True):
            first, _, _ = words.partition(" ")
            _, _, last = words.rpartition(" ")
            self.starting.setdefault(first, []).append(words)
            self.ending.setdefault(last, []).append(words)
        for description in sorted({row.description for row in tables.rows} - _SUCCESS, key=len, reverse=True):
            self.written.setdefault(description[:3], []).append(description)


@lru_cache(maxsize=8)
def _texts(tables: Tables) -> _Texts:
    return _Texts(tables)


def rows_of(text: str, tables: Tables) -> list[Row]:
    """Return the rows with this text, regardless of case and punctuation."""
    return _texts(tables).rows.get(as_words(text), [])


def text_next_to(line: str, start: int, end: int, tables: Tables) -> str:
    """Return the words of the longest status text directly before or after the code at ``start`` to ``end``.

    Returns an empty string when there is none.
    """
    texts = _texts(tables)
    before = as_words(line[max(0, start - LONGEST) : start])
    for words in texts.ending.get(before.rpartition(" ")[2], ()):
        if before == words or before.endswith(f" {words}"):
            return words
    following = _AFTER.match(line, end)
    if following is None:
        return ""
    after = as_words(following[1])
    for words in texts.starting.get(after.partition(" ")[0], ()):
        if after == words or after.startswith(f"{words} "):
            return words
    return ""


def standalone_texts(line: str, lower: str, tables: Tables) -> Iterator[Text]:
    """Yield the texts of a line that certainly are those of a status, although they may have no code.

    ``lower`` is the line in lower case. The text after the last colon counts too when a line of the vmkernel reports
    a failure.
    """
    for lead in _LEADS:
        at = lower.find(lead)
        while at >= 0:
            found = _LEAD.match(line, at)
            if found and (text := _whole_text(line, found.end(), tables)):
                yield text
            at = lower.find(lead, at + 1)
    colon = line.rfind(": ", -LONGEST) if "fail" in lower else -1
    if colon >= 0 and _VMKERNEL_LINE.search(line, 0, LONGEST):
        text = _whole_text(line, colon + 2, tables)
        if text and not line[text.end :].strip(" .\r\n"):
            yield text


def _whole_text(line: str, start: int, tables: Tables) -> Text | None:
    for description in _texts(tables).written.get(line[start : start + 3].replace("’", "'"), ()):
        end = start + len(description)
        if line[start:end].replace("’", "'") == description and _ENDED.match(line, end):
            return Text(start, end, description)
    return None
