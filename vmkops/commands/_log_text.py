"""A decoded log as a terminal shows it: each line with its findings below it, in colour where that is possible."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, TextIO

from knowledge.diagnosis import FaultClass, level
from knowledge.vmklog.finding import Finding, Meaning
from knowledge.vmklog.stream import Decoded
from service.api.words import printable

MOST_REMEMBERED = 16384
"""Meanings that are remembered as explained; after that, they are explained again."""

_AROUND = 200
"""Characters that are shown on each side of the findings of a very long line."""

_EXPLAINED_ONCE = frozenset(("path", "adapter", "datastore", "vm"))
"""Kinds whose meaning a reader knows after the first time."""

_NUMBER = re.compile(r"\d+")
"""Differs between lines that mean the same, such as a latency."""

_RESET = "\x1b[0m"
_BOLD, _DIM = "\x1b[1m", "\x1b[2m"
_STYLES = {"critical": "\x1b[1;31m", "warning": "\x1b[1;33m", "harmless": "\x1b[32m", "none": "\x1b[1;36m"}


def wants_colour(stream: TextIO) -> bool:
    """Whether a stream is a terminal that shows colour, and NO_COLOR (https://no-color.org) is not set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class LogText:
    """Writes decoded lines; what to do next and the pages are written once for each meaning, and named after that."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour
        self._file = ""
        self._explained: dict[tuple[str, ...], str] = {}
        """Where something was first written, such as `line 3`."""
        self._repeated: dict[tuple[str, Meaning], str] = {}
        """What is written for a text and its meaning after the first time."""

    def line(self, decoded: Decoded) -> str:
        """Return a line with its number, and below it each finding: the text, what it means, and what to do."""
        file = f"{decoded.file}:" if decoded.file else ""
        self._file = decoded.file
        if not decoded.findings:
            return f"{file}{' ' if file else ''}{printable(decoded.text)}\n"
        below = "".join(map(self._explain, decoded.findings))
        return f"{file}{decoded.findings[0].line}: {self._shown(decoded)}\n{below}"

    def styled(self, style: str, text: str) -> str:
        """Return a text in a style when there is colour."""
        return _styled(style, text, self._colour)

    def of_class(self, class_: FaultClass | Literal[""], text: str) -> str:
        """Return a text in the colour of a class."""
        return self.styled(_STYLES[level(class_)], text)

    def _explain(self, finding: Finding) -> str:
        _, _, _, text, meaning = finding
        repeated = self._repeated.get((text, meaning))
        if repeated is not None:
            return repeated
        once = meaning.kind in _EXPLAINED_ONCE
        place = f"{printable(self._file)}:{finding.line}" if self._file else f"line {finding.line}"
        if once and self._first_at(place, meaning.kind, text):
            return self._repeat(text, meaning, "")
        explained = _explained(text, meaning, self._colour)
        without_numbers = _NUMBER.sub("0", meaning.summary)
        if first := self._first_at(place, "advice", without_numbers, meaning.next, *meaning.procedures):
            if meaning.next and not once:
                explained += f"        {self.styled(_BOLD, 'next:')} as at {first}\n"
            return explained if once else self._repeat(text, meaning, explained)
        if meaning.next:
            explained += f"        {self.styled(_BOLD, 'next:')} {printable(meaning.next)}\n"
        for slug in meaning.procedures:
            explained += f"        {self.styled(_DIM, f'page: vmkops kb show {printable(slug)}')}\n"
        return explained

    def _repeat(self, text: str, meaning: Meaning, explained: str) -> str:
        if len(self._repeated) < MOST_REMEMBERED:
            self._repeated[text, meaning] = explained
        return explained

    def _first_at(self, place: str, *what: str) -> str:
        """Where something was written before; empty when it was not, and is written now, at `place`."""
        if what in self._explained:
            return self._explained[what]
        if len(self._explained) < MOST_REMEMBERED:
            self._explained[what] = place
        return ""

    def _shown(self, decoded: Decoded) -> str:
        """The line as it is printed: a very long one is cut to what surrounds its findings."""
        text, findings = decoded.text, decoded.findings
        start, end = 0, len(text)
        if len(text) > 10 * _AROUND:
            start = max(0, findings[0].start - decoded.offset - _AROUND)
            end = min(end, min(findings[-1].end - decoded.offset, start + 8 * _AROUND) + _AROUND)
        shown = self._marked(decoded, start, end) if self._colour else printable(text[start:end])
        return f"{'...' if start else ''}{shown}{'...' if end < len(text) else ''}"

    def _marked(self, decoded: Decoded, start: int, end: int) -> str:
        """The part of the line from `start` to `end`, with its findings in the colours of their classes."""
        parts: list[str] = []
        at = start
        for finding in decoded.findings:
            first, last = finding.start - decoded.offset, finding.end - decoded.offset
            if first < at or last > end:
                continue
            parts.append(printable(decoded.text[at:first]))
            parts.append(self.of_class(finding.meaning.class_, printable(decoded.text[first:last])))
            at = last
        return "".join([*parts, printable(decoded.text[at:end])])


def _styled(style: str, text: str, colour: bool) -> str:
    return f"{style}{text}{_RESET}" if colour else text


@lru_cache(maxsize=MOST_REMEMBERED)
def _explained(text: str, meaning: Meaning, colour: bool) -> str:
    """What a text means, after the text itself unless the meaning begins with it, and the remarks below."""
    summary = printable(meaning.summary)
    lead = "" if summary.startswith(printable(text)) else f"{printable(text)} = "
    about = ", ".join(filter(None, (meaning.class_, meaning.where)))
    label = _styled(_STYLES[level(meaning.class_)], f" [{about}]", colour) if about else ""
    remarks = "".join(f"        {printable(remark)}\n" for remark in _remarks(meaning))
    return f"    {lead}{summary}{label}\n{remarks}"


def _remarks(meaning: Meaning) -> Iterator[str]:
    if meaning.settled_by:
        yield f"{meaning.release}: {meaning.reason}."
    elif meaning.reason and meaning.certainty != "certain":
        yield f"{meaning.certainty}: {meaning.reason}."
    yield from meaning.notes
