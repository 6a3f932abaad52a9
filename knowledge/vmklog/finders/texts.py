"""Finds known message texts that have no identifier: outages, locked files, full datastores, and harmless lines.

A line with a known event (``esx.problem.*`` and the like) is left to that event, which means the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from knowledge.vmklog import phrases
from knowledge.vmklog.event_arguments import arguments
from knowledge.vmklog.facts import Fact
from knowledge.vmklog.finders import events
from knowledge.vmklog.finding import Finding, Meaning
from knowledge.vmklog.line import Finder, Line

PHRASES = "log_phrases.tsv"
KNOWN_TEXT = "the line has the text of a known message"

_AROUND = 240
"""Characters before and after a text in which the device or datastore stands that it is about."""


def find(line: Line) -> Iterator[Finding]:
    """Yield the known texts of a line, unless it has a known event."""
    if events.has_known_event(line.text):
        return
    for found, fact in phrases.matches(PHRASES, line):
        yield line.finding(*phrases.span(found), _meaning(fact, _about(found)))


FINDER = Finder(lambda _: phrases.signs(PHRASES), find)


def _about(found: re.Match[str]) -> str:
    """Return what the groups of a match name, or else the device, datastore or adapter that stands near it."""
    if identifier := found.groupdict().get("identifier"):
        return arguments(f"[{identifier}]") or identifier
    start, end = found.span()
    return phrases.about(found) or arguments(found.string[max(0, start - _AROUND) : end + _AROUND])


@lru_cache(maxsize=4096)
def _meaning(fact: Fact, about: str) -> Meaning:
    summary = f"{fact.meaning}: {about}" if about else fact.meaning
    return events.of_its_storage(fact, about).as_meaning("phrase", summary, reason=KNOWN_TEXT)
