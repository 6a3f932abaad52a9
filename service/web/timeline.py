"""The timeline of a log: for each subject, bars for its lines and a band for its states, as an SVG draws them."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from knowledge.diagnosis import level
from knowledge.loghistory import LogSubject, Report
from knowledge.loghistory.stamps import Clock
from knowledge.loghistory.values import Timeline
from service.api.words import counted

MOST_ROWS = 12
COLUMNS = 120
"""Bars that a row has room for."""

WIDTH, HEIGHT = 600, 30
"""Of the bars of a row, in units of its SVG; the page stretches it to the width that there is."""


@dataclass(frozen=True, slots=True)
class Bar:
    """The lines of some minutes."""

    x: float
    width: float
    height: float
    label: str


@dataclass(frozen=True, slots=True)
class Band:
    """A state, as long as it lasted."""

    x: float
    width: float
    level: str
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """A subject with what is drawn for it."""

    subject: LogSubject
    bars: tuple[Bar, ...]
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """All rows on one axis, and what its ends are."""

    rows: tuple[Row, ...]
    first: str
    last: str
    left_out: int
    """Subjects that are not drawn: there are too many, or their lines have no time or the time of another clock."""


def drawing(report: Report) -> Drawing | None:
    """Return what is drawn for a report; None when no line has a time."""
    timed = [(subject, line) for subject, line in zip(report.subjects, report.timelines, strict=True) if line]
    if not timed:
        return None
    clock = Counter(line.clock for _, line in timed).most_common(1)[0][0]
    shown = [(subject, line) for subject, line in timed if line.clock == clock][:MOST_ROWS]
    first, last = min(line.first for _, line in shown), max(line.last for _, line in shown)
    axis = _Axis(clock, first, last + 1 - first)
    rows = tuple(Row(subject, axis.bars(line), axis.bands(line)) for subject, line in shown)
    return Drawing(rows, minute_text(clock, first), minute_text(clock, last), len(report.subjects) - len(rows))


def minute_text(clock: Clock, minute: int) -> str:
    """Return a minute of a clock for people."""
    if clock == "uptime":
        hours, minutes = divmod(minute, 60)
        return f"uptime {hours // 24}:{hours % 24:02}:{minutes:02}"
    if clock == "calendar":
        return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(minute * 60))
    return time.strftime("%m-%d %H:%M", time.gmtime(minute * 60 + _LEAP_YEAR_BEGINS))


_LEAP_YEAR_BEGINS = 2 * 365 * 86400
"""1972-01-01, because a log without a year may have a 29 February."""


class _Column(NamedTuple):
    """The lines from one minute to another, both included, that one bar shows."""

    first: int
    last: int
    lines: int


@dataclass(frozen=True, slots=True)
class _Axis:
    clock: Clock
    first: int
    minutes: int

    def bars(self, line: Timeline) -> tuple[Bar, ...]:
        columns: dict[int, _Column] = {}
        for bucket, count in sorted(line.buckets.items()):
            start, end = max(bucket, line.first), min(bucket + line.width - 1, line.last)
            at = (start - self.first) * COLUMNS // self.minutes
            before = columns.get(at)
            columns[at] = _Column(before.first if before else start, end, count + (before.lines if before else 0))
        most = max(column.lines for column in columns.values())
        width = max(WIDTH / COLUMNS, self._x(self.first + line.width))
        return tuple(
            Bar(
                x=round(at * WIDTH / COLUMNS, 2),
                width=round(min(width, WIDTH), 2),
                height=round(max(2, HEIGHT * column.lines / most), 2),
                label=f"{self._range(column.first, column.last)}: {counted(column.lines, 'line')}",
            )
            for at, column in sorted(columns.items())
        )

    def _range(self, first: int, last: int) -> str:
        start = minute_text(self.clock, first)
        return f"{start} to {minute_text(self.clock, last)}" if last > first else start

    def bands(self, line: Timeline) -> tuple[Band, ...]:
        ends = [minute for minute, _, _ in line.states[1:]] + [self.first + self.minutes]
        return tuple(
            Band(
                x=round(self._x(minute), 2),
                width=round(max(3.0, self._x(end) - self._x(minute)), 2),
                level="harmless" if state == "recovered" else level(state),
                label=f"{state} from {minute_text(self.clock, minute)} ({place})",
            )
            for (minute, state, place), end in zip(line.states, ends, strict=False)
        )

    def _x(self, minute: int) -> float:
        return min(max(minute - self.first, 0) / self.minutes, 1) * WIDTH
