"""The page of a decoded log: what happened, a timeline, and the lines with their codes marked and explained.

The shell writes it as one file, and the service answers with it. It has no script, and it is limited in size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from knowledge.diagnosis import Level, level
from knowledge.loghistory import LogHistory
from knowledge.loghistory.incident import course
from knowledge.loginput.looked_at import LookedAt
from knowledge.vmklog.finding import Finding, Meaning
from knowledge.vmklog.stream import Decoded
from service.api.words import counted, printable
from service.web.pages import WEB, pages
from service.web.timeline import drawing

MOST_LINES = 1000
"""Lines that the page shows; all are counted."""

MOST_CHARACTERS = 2000
"""Characters of a line that it shows, from a little before the first finding on."""

MOST_MARKS = 40
"""Findings that it marks in one line."""

MOST_SUBJECTS = 50
MOST_MEANINGS = 200
"""Rows of the table of subjects, and of the one that counts meanings."""

_BEFORE = 200

STYLES = ("vmkops.css", "decode.css")


class Explained(NamedTuple):
    """A meaning, under the number that links to it."""

    number: int
    meaning: Meaning
    level: Level


class Part(NamedTuple):
    """A piece of a line, with what is explained there; several findings can overlap."""

    text: str
    explained: Sequence[Explained] = ()
    level: Level = "none"


class Shown(NamedTuple):
    """A line of the page."""

    file: str
    """The file in an archive that has it; empty for an input that is one text."""
    number: int
    parts: Sequence[Part]


class LogPage:
    """Takes the decoded lines of one log, and makes its page."""

    def __init__(self, name: str = "") -> None:
        self.history = LogHistory()
        self._name = name
        self._lines: list[Shown] = []
        self._more_lines = 0
        self._explained: dict[Meaning, Explained] = {}
        self._counts: Counter[str] = Counter()

    def add(self, lines: Iterable[Decoded]) -> None:
        """Take some more lines, in the order in which they were read."""
        for line in lines:
            self.history.add(line)
            if not line.findings:
                continue
            for finding in line.findings:
                self._counts[finding.summary] += 1
            if len(self._lines) < MOST_LINES:
                self._lines.append(Shown(line.file, line.findings[0].line, tuple(self._parts(line))))
            else:
                self._more_lines += 1

    def html(self, looked: LookedAt, *, served: bool) -> str:
        """Return the page: for the service, or as one file that needs nothing else; `looked` is about the input."""
        report = self.history.report()
        return pages.get_template("decode.html").render(
            name=printable(self._name),
            served=served,
            styles="" if served else "\n".join((WEB / "static" / name).read_text("utf-8") for name in STYLES),
            report=report,
            subjects=report.subjects[:MOST_SUBJECTS],
            drawing=drawing(report),
            lines=self._lines,
            more_lines=self._more_lines,
            explained=tuple(self._explained.values()),
            counts=self._counts.most_common(MOST_MEANINGS),
            more_counts=max(0, len(self._counts) - MOST_MEANINGS),
            looked_at=looked.in_words(),
            problems=looked.problems,
            course=course,
            level=level,
            counted=counted,
        )

    def _parts(self, line: Decoded) -> Iterator[Part]:
        """Cut a line at its findings, so that each piece is escaped on its own."""
        findings = [
            finding._replace(start=finding.start - line.offset, end=finding.end - line.offset)
            for finding in line.findings[:MOST_MARKS]
        ]
        at = max(0, findings[0].start - _BEFORE) if len(line.text) > MOST_CHARACTERS else 0
        end = at + MOST_CHARACTERS
        if at:
            yield Part("…")
        for group in _overlapping(findings):
            start, stop = group[0].start, max(finding.end for finding in group)
            if stop > end:
                break
            yield Part(printable(line.text[at:start]))
            explained = tuple(dict.fromkeys(self._explain(finding.meaning) for finding in group))
            worst = max((each.level for each in explained), key=_LEVELS.index)
            yield Part(printable(line.text[start:stop]), explained, worst)
            at = stop
        yield Part(printable(line.text[at:end]))
        if end < len(line.text):
            yield Part("…")

    def _explain(self, meaning: Meaning) -> Explained:
        known = self._explained.get(meaning)
        if known is None:
            known = Explained(len(self._explained) + 1, meaning, level(meaning.class_))
            self._explained[meaning] = known
        return known


_LEVELS: Sequence[Level] = ("none", "harmless", "warning", "critical")


def _overlapping(findings: Iterable[Finding]) -> Iterator[list[Finding]]:
    """Yield the findings, those together that overlap."""
    group: list[Finding] = []
    for finding in findings:
        if group and finding.start >= max(other.end for other in group):
            yield group
            group = []
        group.append(finding)
    if group:
        yield group
