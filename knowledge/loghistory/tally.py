"""What the lines of one subject report, in bounded memory."""

from __future__ import annotations

from typing import Literal

from knowledge.diagnosis import FaultClass, severity
from knowledge.loghistory.minutes import MinuteCounts
from knowledge.loghistory.stamps import Stamp
from knowledge.loghistory.states import CONNECTION, LASTING, Passed, Run, StateRuns
from knowledge.loghistory.subjects import Key, Trouble
from knowledge.loghistory.values import ClassLines, LogSubject, Place, PurpleScreen, StateAt, Timeline

MOST_PROCEDURES = 4
"""Procedures that are listed for each subject."""


class Tally:
    """Counts the lines of a subject, and follows its states."""

    __slots__ = (
        "classes", "count", "first", "first_place", "last", "minutes", "next", "next_rank", "procedures", "psod",
        "runs", "several_files",
    )  # fmt: skip

    def __init__(self, place: Place) -> None:
        self.first_place = place
        self.several_files = False
        self.count = 0
        self.first: Stamp | None = None
        self.last: Stamp | None = None
        self.minutes = MinuteCounts()
        self.classes: dict[FaultClass | Literal[""], _OfClass] = {}
        self.runs = StateRuns()
        self.psod: PurpleScreen | None = None
        self.next = ""
        self.next_rank = (False, -1)
        self.procedures: dict[str, tuple[bool, int]] = {}
        """How bad the worst line is that points to each."""

    def add(
        self, trouble: Trouble, stamp: Stamp | None, place: Place, host: str, devices: tuple[Tally, ...] = ()
    ) -> None:
        """Take a line; ``devices`` are those that it names, if their recovery is also one of this subject."""
        self.count += 1
        self.several_files = self.several_files or place.file != self.first_place.file
        self._note_time(stamp, place)
        comparable = stamp if stamp and self.first and stamp.clock == self.first.clock else None
        self.classes.setdefault(trouble.class_, _OfClass()).add(comparable)
        rank = (trouble.psod is not None, severity(trouble.class_))
        if trouble.next and rank > self.next_rank:
            self.next, self.next_rank = trouble.next, rank
        for slug in trouble.procedures:
            self.procedures[slug] = max(rank, self.procedures.get(slug, rank))
        if (psod := trouble.psod) and (
            self.psod is None or (self.psod.certainty == "likely" and psod.certainty != "likely")
        ):
            self.psod = PurpleScreen(summary=psod.summary, at=_text(stamp), certainty=psod.certainty)
        if trouble.recovered:
            self.runs.add("recovered", stamp, place, host)
        elif trouble.class_ in LASTING:
            self.runs.add(trouble.class_, stamp, place, host, devices)

    @property
    def first_second(self) -> int:
        """The time of the first line in seconds, 0 when it has none; comparable only between times of one clock."""
        return self.first.seconds if self.first else 0

    def subject(self, key: Key) -> LogSubject:
        """Return what is known up to now."""
        classes = sorted(self.classes, key=severity, reverse=True)
        passed = self._passed()
        return LogSubject(
            subject=key.name,
            kind=key.kind,
            host=key.host,
            first=_text(self.first),
            last=_text(self.last),
            first_file=self.first_place.file,
            first_line=self.first_place.line,
            count=self.count,
            peak_per_minute=self.minutes.peak,
            class_=classes[0],
            classes=tuple(self.classes[class_].lines(class_) for class_ in classes),
            states=tuple(
                StateAt(state=run.state, at=_text(run.first), file=run.place.file, line=run.place.line)
                for run in passed.states
            ),
            states_omitted=self.runs.omitted,
            order_is_known=passed.by_time or not self.several_files or len(passed.states) < 2,
            not_recovered_on=tuple(sorted(passed.down - {""})),
            psod=self.psod,
            next=self.next,
            procedures=tuple(
                sorted(self.procedures, key=lambda slug: self.procedures[slug], reverse=True)[:MOST_PROCEDURES]
            ),
        )

    def timeline(self) -> Timeline | None:
        """Return when its lines were written; None when they have no time."""
        if self.first is None or self.last is None:
            return None
        passed = self._passed()
        return Timeline(
            clock=self.first.clock,
            first=self.first.minute,
            last=self.last.minute,
            width=self.minutes.width,
            buckets=self.minutes.buckets,
            states=tuple((run.first.minute, run.state, run.place) for run in passed.states if run.first),
        )

    def _passed(self) -> Passed:
        """Return the states, with the recovery of the devices that were lost with it, when nothing else was."""
        passed = self.runs.passed()
        if passed.alone or not passed.devices or passed.states[-1].state not in CONNECTION:
            return passed
        ends = [device._recovery() for device in passed.devices]
        if None in ends:
            return passed
        last = max((end for end in ends if end), key=lambda end: end.first.seconds if end.first else -1)
        return passed._replace(states=[*passed.states, last], down=frozenset())

    def _recovery(self) -> Run | None:
        """Return the recovery in which it is now, on all hosts."""
        last = self.runs.passed().states[-1:]
        return last[0] if last and last[0].state == "recovered" else None

    def _note_time(self, stamp: Stamp | None, place: Place) -> None:
        """Take the time of a line; those of another clock than the first cannot be compared and are left out."""
        if stamp is None:
            return
        if self.first is None or self.last is None:
            self.first = self.last = stamp
        if stamp.clock == self.first.clock:
            self.minutes.add(stamp.minute)
            if stamp.seconds < self.first.seconds:
                self.first_place = place
                self.first = stamp
            elif stamp.seconds > self.last.seconds:
                self.last = stamp


class _OfClass:
    """The lines of one class."""

    __slots__ = ("_minute", "_now", "count", "first", "last", "peak")

    def __init__(self) -> None:
        self.count = self.peak = self._now = 0
        self.first: Stamp | None = None
        self.last: Stamp | None = None
        self._minute: int | None = None

    def add(self, stamp: Stamp | None) -> None:
        self.count += 1
        if stamp is None:
            return
        if self.first is None or stamp.seconds < self.first.seconds:
            self.first = stamp
        if self.last is None or stamp.seconds > self.last.seconds:
            self.last = stamp
        self._now = self._now + 1 if stamp.minute == self._minute else 1
        self._minute = stamp.minute
        if self._now > self.peak:
            self.peak = self._now

    def lines(self, class_: FaultClass | Literal[""]) -> ClassLines:
        return ClassLines(
            class_=class_,
            count=self.count,
            first=_text(self.first),
            last=_text(self.last),
            peak_per_minute=self.peak,
        )


def _text(stamp: Stamp | None) -> str:
    return stamp.text if stamp else ""
