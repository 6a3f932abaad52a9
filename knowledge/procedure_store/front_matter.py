"""The few lines of facts on top of a page: ``key: value`` and lists, a small part of YAML.

Only what every YAML reader understands the same way is taken, and every value is text: ``3.5`` stays
``3.5`` and ``no`` stays ``no``. What is refused is refused with its line and the mend.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

FENCE = "---"

_PAIR = re.compile(r"([a-z][a-z_]*):(?: +(.*))?")
_ITEM = re.compile(r" *- +(.*)")
_QUOTE_IT = "put the value in double quotes"


class Fault(NamedTuple):
    """Something wrong with a page: the line in its file, counted from 1, and what to do about it."""

    line: int
    message: str


class Entry(NamedTuple):
    """One key's value with the line of the key."""

    line: int
    value: str | list[str]


class FrontMatter(NamedTuple):
    """The entries by key, the faults met, and how many lines of the page they took, fences included."""

    entries: dict[str, Entry]
    faults: list[Fault]
    length: int


def read_front_matter(lines: list[str]) -> FrontMatter:
    """Read the entries between the first two ``---`` lines of a page given as lines without their ends."""
    entries: dict[str, Entry] = {}
    faults: list[Fault] = []
    if not lines or lines[0].rstrip(" ") != FENCE:
        return FrontMatter({}, [Fault(1, "the page has to start with a line of ---, then its facts")], 0)
    open_list: list[str] | None = None
    for number, line in enumerate(lines[1:], start=2):
        if line.rstrip(" ") == FENCE:
            return FrontMatter(entries, faults, number)
        if not line.strip(" ") or line.lstrip(" ").startswith("#"):
            continue
        try:
            if item := _ITEM.fullmatch(line):
                if open_list is None:
                    raise ValueError("a list item without its key: write 'key:' on the line above the list")
                open_list.append(_scalar(item[1]))
            elif pair := _PAIR.fullmatch(line):
                key, value = pair[1], _value((pair[2] or "").strip(" "))
                open_list = value if isinstance(value, list) and not pair[2] else None
                if key in entries:
                    raise ValueError(f"'{key}' stands here twice, first on line {entries[key].line}")
                entries[key] = Entry(number, value)
            else:
                open_list = None
                raise ValueError("neither 'key: value' nor '- item'; keys are lower case, without spaces before")
        except ValueError as error:
            faults.append(Fault(number, str(error)))
    faults.append(Fault(1, "the facts are not closed: put a line of --- after them"))
    return FrontMatter(entries, faults, len(lines))


def _value(text: str) -> str | list[str]:
    """The value after ``key:``; nothing there starts a list on the lines below."""
    if not text:
        return []
    if not text.startswith("["):
        return _scalar(text)
    if not text.endswith("]") or re.search(r"[\[\]{}\"']", text[1:-1]):
        raise ValueError("this list is hard to read: write one '- item' a line below the key")
    inside = text[1:-1].strip(" ")
    return [_scalar(item) for item in inside.split(",")] if inside else []


def _scalar(text: str) -> str:
    """One value as text, out of its quotes."""
    text = text.strip(" ")
    if text.startswith('"'):
        try:
            return _quoted(text)
        except ValueError:
            raise ValueError('the quotes do not match: write " before and after, and \\" inside') from None
    if text.startswith("'"):
        if not re.fullmatch(r"'(?:[^']|'')*'", text):
            raise ValueError("the quotes do not match: write ' before and after, and '' inside")
        return text[1:-1].replace("''", "'")
    if not text:
        raise ValueError("the value is empty")
    if text[0] in "-?:,[]{}#&*!|>%@`":
        raise ValueError(f"a value cannot start with {text[0]}: {_QUOTE_IT}")
    if ": " in text or text.endswith(":") or " #" in text or "\t" in text:
        raise ValueError(f"': ', ' #' and tabs mean something else here: {_QUOTE_IT}")
    return text


def _quoted(text: str) -> str:
    """A double-quoted value, which is written as in JSON."""
    value = json.loads(text)
    value.encode()  # refuses half of a surrogate pair, which no file can hold
    return str(value)
