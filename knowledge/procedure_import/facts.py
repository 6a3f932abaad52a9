"""Reads the front matter of other tools: YAML or TOML, with any keys, none of which is required.

Only keys with plain values are understood. The rest is returned as it is, so that nothing is lost.
"""

from __future__ import annotations

import re
import tomllib
from typing import NamedTuple

from knowledge.procedure_store.front_matter import Fault

KEYS = {
    "title": ("title", "name", "heading"),
    "summary": ("summary", "description", "abstract", "excerpt"),
    "subjects": ("subjects", "tags", "tag", "categories", "category", "labels", "keywords", "topics"),
    "aliases": ("aliases", "alias", "alert", "alerts", "alertname", "alert_name"),
    "applies_to": ("applies_to", "platform", "platforms", "product", "products", "versions", "version"),
    "source": ("source", "sources", "references", "reference", "links", "url"),
}
"""The keys of a page, and the keys of other tools that mean the same."""

MOST_VALUES = 50
"""Values of one key that are taken over; a page does not need more."""

_MEANING = {other: key for key, others in KEYS.items() for other in others}
_PAIR = re.compile(r"([A-Za-z][\w .-]{0,60}?) *:(?:[ \t]+(.*))?")
_ITEM = re.compile(r"\s*-[ \t]+(.*)")
_LONGEST_FRONT_MATTER = 500


class Facts(NamedTuple):
    """The values by the key of a page, the lines that are not understood, and the number of lines of all of it."""

    values: dict[str, list[str]]
    rest: list[str]
    length: int


def read_facts(lines: list[str]) -> Facts | Fault:
    """Return the front matter at the start of the lines; empty when there is none, a Fault when it is broken."""
    first = lines[0].rstrip() if lines else ""
    if first not in ("---", "+++"):
        return Facts({}, [], 0)
    ends = ("+++",) if first == "+++" else ("---", "...")
    end = next((n for n, line in enumerate(lines[1 : _LONGEST_FRONT_MATTER + 1], 1) if line.rstrip() in ends), None)
    if end is None:
        if first == "+++" or (len(lines) > 1 and _PAIR.fullmatch(lines[1])):
            return Fault(1, f"the front matter is not closed: put a line of {first} after it")
        return Facts({}, [], 0)  # a horizontal rule
    found = _toml(lines[1:end]) if first == "+++" else _yaml(lines[1:end])
    return found if isinstance(found, Fault) else Facts(found[0], found[1], end + 1)


def _yaml(lines: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    values: dict[str, list[str]] = {}
    rest: list[str] = []
    for entry in _entries(lines):
        key = entry[0].partition(":")[0].strip().lower().replace("-", "_").replace(" ", "_")
        read = _read(entry)
        if key in _MEANING and read:
            values.setdefault(_MEANING[key], []).extend(read)
        else:
            rest += entry
    return {key: list(dict.fromkeys(read))[:MOST_VALUES] for key, read in values.items()}, rest


def _entries(lines: list[str]) -> list[list[str]]:
    """The lines of each key; a line that has no key belongs to the key above it."""
    entries: list[list[str]] = []
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        if entries and not _PAIR.fullmatch(line):
            entries[-1].append(line)
        else:
            entries.append([line])
    return entries


def _read(entry: list[str]) -> list[str]:
    """The values of one key; empty when they are not plain text or a list of it."""
    pair = _PAIR.fullmatch(entry[0])
    if pair is None:
        return []
    text, below = (pair[2] or "").strip(), entry[1:]
    if re.fullmatch(r"[>|][+-]?", text):
        return _texts([" ".join(line.strip() for line in below)])
    if text and not below:
        inside = re.fullmatch(r"\[(.*)\]", text)
        return _texts(inside[1].split(",") if inside else [text])
    items = [_ITEM.fullmatch(line) for line in below]
    return [] if text or not all(items) else _texts([item[1] for item in items if item])


def _texts(values: list[str]) -> list[str]:
    plain = (_unquoted(value.strip()) for value in values)
    return [value for value in plain if value and not value.startswith(("{", "[", "&", "*", "!"))]


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].strip()
    return text.partition(" #")[0].strip()


def _toml(lines: list[str]) -> tuple[dict[str, list[str]], list[str]] | Fault:
    try:
        table = tomllib.loads("\n".join(lines))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return Fault(1, f"the front matter is not TOML: {str(error)[:200]}")
    values: dict[str, list[str]] = {}
    understood = True
    for key, value in table.items():
        texts = value if isinstance(value, list) else [value]
        plain = [" ".join(text.split()) for text in texts if isinstance(text, str) and text.strip()]
        if key.lower() in _MEANING and plain and len(plain) == len(texts):
            values.setdefault(_MEANING[key.lower()], []).extend(plain[:MOST_VALUES])
        else:
            understood = False
    return values, [] if understood else lines
