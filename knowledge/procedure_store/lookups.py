"""Finds the codes among the words of a search: a lookup explains each one, which no page can do for every code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from knowledge.vmkerr.table import Tables

MAX_LOOKUPS = 3
"""The most lookups that one search suggests."""

_HEX = r"0x[0-9a-f]+"
_STATUS_NAME = re.compile(r"\bVMK_\w{1,80}\b", re.IGNORECASE | re.ASCII)
_AS_LOGGED = (
    (re.compile(rf"(?=.*\bnvme)(?:.*\s)?({_HEX})\b.*", re.IGNORECASE), "nvme status {0}"),
    (re.compile(rf"\s*({_HEX})[ /]+({_HEX})[ /]+({_HEX})\s*", re.IGNORECASE), "Valid sense data: {0} {1} {2}"),
    (re.compile(r"(?=.*\blogin)(?:.*\D)?(0[0-3]0[0-9a-f])\b.*", re.IGNORECASE), "Target returned login error of: {0}"),
    (re.compile(r"(?=.*\bquiesc)(?:.*\D)?([0-5])\s*", re.IGNORECASE), "quiescing. The error code was: {0}"),
)
"""How people type a status, and the text in which a log has it, because only that text shows what the number is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookup:
    """A lookup that explains a part of the words of a search."""

    command: Literal["vmkerr", "decode"]
    """The lookup: ``vmkerr`` takes the query as its argument, ``decode`` as the text of a log."""
    query: str
    meaning: str
    """What the lookup answers, in one line."""


def lookups(words: str, tables: Tables | None = None) -> tuple[Lookup, ...]:
    """Return a lookup for each vmkernel status and each log excerpt in ``words``, at most three.

    ``tables`` are those of the vmkernel lookup; without them, the built-in ones are used.
    """
    found: dict[str, Lookup] = {}
    for lookup in _lookups(words, tables):
        found.setdefault(lookup.query.lower(), lookup)
    return tuple(found.values())[:MAX_LOOKUPS]


def _lookups(words: str, tables: Tables | None) -> Iterator[Lookup]:
    from knowledge.vmklog.decoding import decode_line  # imported here because most searches contain no code

    for name in _STATUS_NAME.findall(words):
        yield from _status_name(name, tables)
    if not any(character.isdigit() for character in words):
        return
    for text in (words, *(wording.format(*typed.groups()) for typed, wording in _typed_statuses(words))):
        for finding in decode_line(text, tables=tables):
            if finding.kind in ("vmkernel", "errno"):
                yield Lookup(command="vmkerr", query=finding.text, meaning=finding.summary)
            else:
                yield Lookup(command="decode", query=text, meaning=finding.summary)


def _typed_statuses(words: str) -> Iterator[tuple[re.Match[str], str]]:
    for pattern, wording in _AS_LOGGED:
        if typed := pattern.fullmatch(words):
            yield typed, wording


def _status_name(name: str, tables: Tables | None) -> Iterator[Lookup]:
    from knowledge.errors import NotFound
    from knowledge.vmkerr.lookup import find

    try:
        matches = find(name, tables=tables).matches
    except NotFound:
        return
    if matches[0].name == name.upper():
        releases = [f" ({', '.join(match.releases)})" if matches[1:] else "" for match in matches]
        texts = [f"{match.hex} {match.description}{valid}" for match, valid in zip(matches, releases, strict=True)]
        yield Lookup(command="vmkerr", query=name, meaning=", or ".join(texts))
