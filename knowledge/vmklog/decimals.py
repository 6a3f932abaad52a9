"""Decides whether a line presents a decimal number as a status, or as a quantity such as bytes or milliseconds.

A status in decimal has nine digits, so a counter or a size passes through the same numbers.
"""

from __future__ import annotations

import re
from typing import Literal

Presented = Literal["status", "quantity", "unclear"]

_BEFORE = 48
"""Characters before a number that show what it is."""

_SHORT_UNITS = r"[kmgt]i?b|[mun]s|[mun]?secs?|µs|hz|[kmgt]hz|iops?|ios"
_UNITS = (
    rf"{_SHORT_UNITS}|bytes?|bits?|pages?|blocks?|sectors?|seconds?|minutes?|hours?|days?|ticks?|cycles?|packets?|frames?"
    r"|segments?|commands?|requests?|errors?|events?|times|entries|objects?|files?|inodes?|records?|messages?|buffers?"
    r"|calls?|retries|(?:kilo|mega|giga|tera|kibi|mebi|gibi)bytes?|(?:milli|micro|nano)seconds?|percent|%"
)
_COUNTERS = (
    r"bytes?|pages|blocks?|sectors?|packets|frames|cycles|ticks|commands|requests|errors|events|entries|objects|files"
    r"|inodes|records|messages|buffers|calls|retries|conflicts|operations|aborts|resets|drops|seconds|size|length|len"
    r"|offset|lba|count(?:er)?|number|total|capacity|limit|min|max|avg|average|uptime|elapsed|took|after|duration"
    r"|latency|delay|timestamp|time|seq(?:uence)?|serial|version|build|port|pid|uid|gid|index|generation|gen"
)
_WITH_COUNTER = (
    r"used|free|total|read|written|sent|received|transferred|copied|left|remaining|allocated|in use|was|is|about"
)
_UNIT_AFTER = re.compile(rf"[\"']?(?:\s*(?:/|of)\s*\d+)?[-\s]\s*(?:{_UNITS})(?![\w=:])", re.IGNORECASE)
_COUNTER_BEFORE = re.compile(
    rf"(?:(?:\b|_|(?-i:(?<=[a-z])(?=[A-Z])))(?:{_COUNTERS})|(?<![a-z])(?:{_SHORT_UNITS}|nr|num)"
    rf"|(?-i:[a-z](?:[KMGT]i?B|[MUN]s)))(?:[ _]?(?:{_WITH_COUNTER}))?[\"')\]]*\s*[:=]?\s*[\"'(\[]?$"
    r"|\w\[$",
    re.IGNORECASE,
)
"""A counter word, perhaps with one more word such as ``used``, and what stands between it and its number."""

_STATUS_BEFORE = re.compile(
    r"(?:\b(?:status|error|err(?:no|or_?code)?|(?:error|status) (?:number|value)|reason|code|rc|ret(?:val)?|result|with"
    r"|due to|because of|cause|fail(?:ed|ure|s)?|return(?:ed|s|ing)?|got|VMK_\w+)|[a-z]_?(?:status|error|code|reason))"
    r"[\"')\]]*\s*(?::|=|->)?\s*[\"'“‘(\[<]*$",
    re.IGNORECASE,
)
_IN_BRACKETS = re.compile(r"(?:^|\s|[\"'.,;:)])[(<\[]$")
_CLOSED = re.compile(r"[)>\]]")
_FAILURE = re.compile(
    r"\b(?:fail(?:ed|ure|s)?(?= (?:to|for|in|at|on)\b|:)|error|unable|could ?n[o']t|cannot|can't)", re.IGNORECASE
)
_AFTER_COLON = re.compile(r"[:=]\s*[\"']?$")
_ENDED = re.compile(r"[\"'.,;)\]]*\s*$")


def presented(line: str, start: int, end: int) -> Presented:
    """Return what the line presents the number from ``start`` up to ``end`` as."""
    before = line[max(0, start - _BEFORE) : start]
    if _UNIT_AFTER.match(line, end):
        return "quantity"
    if _STATUS_BEFORE.search(before):
        return "status"
    if _COUNTER_BEFORE.search(before):
        return "quantity"
    if _IN_BRACKETS.search(before) and _CLOSED.match(line, end):
        return "status"
    ends_line = _ENDED.match(line, end)
    if ends_line and (not before.strip() or (_AFTER_COLON.search(before) and _FAILURE.search(line, 0, start))):
        return "status"
    return "unclear"
