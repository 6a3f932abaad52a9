"""Parses the front matter of a page: ``key: value`` and lists, a small part of YAML.

It accepts only what every YAML parser understands in the same way. Every value is text: ``3.5`` remains ``3.5`` and
``no`` remains ``no``. Everything else is refused, with its line and how to correct it.
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
    """The value of one key, and the line of the key."""

    line: int
    value: str | list[str]


class FrontMatter(NamedTuple):
    """The entries by key, the faults, and the number of lines of the front matter with its ``---`` lines."""

    entries: dict[str, Entry]
    faults: list[Fault]
    length: int


def read_front_matter(lines: list[str]) -> FrontMatter:
    """Parse the entries between the first two ``---`` lines of a page; ``lines`` have no line ends."""
    entries: dict[str, Entry] = {}
    faults: list[Fault] = []
    if not lines or lines[0].rstrip(" ") != FENCE:
        return FrontMatter({}, [Fault(1, "the page must start with a line of ---, then its front matter")], 0)
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
                    raise ValueError(f"'{key}' is here twice, first on line {entries[key].line}")
                entries[key] = Entry(number, value)
            else:
                open_list = None
                raise ValueError("neither 'key: value' nor '- item'; a key is in lower case, without spaces before it")
        except ValueError as error:
            faults.append(Fault(number, str(error)))
    faults.append(Fault(1, "the front matter is not closed: put a line of --- after it"))
    return FrontMatter(entries, faults, len(lines))


def _value(text: str) -> str | list[str]:
    """Return the value after ``key:``, or an empty list when there is none, because items follow on the next lines."""
    if not text:
        return []
    if not text.startswith("["):
        return _scalar(text)
    if not text.endswith("]") or re.search(r"[\[\]{}\"']", text[1:-1]):
        raise ValueError("this list is too complex: write one '- item' on each line below the key")
    items = text[1:-1].strip(" ")
    return [_scalar(item) for item in items.split(",")] if items else []


def _scalar(text: str) -> str:
    """Return one value as text, without its quotes."""
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
        raise ValueError(f"': ', ' #' and tabs have another meaning here: {_QUOTE_IT}")
    return text


def _quoted(text: str) -> str:
    """Return the text of a double-quoted value, which has the syntax of JSON."""
    value = json.loads(text)
    value.encode()  # refuses half of a surrogate pair, which no UTF-8 file can contain
    return str(value)
