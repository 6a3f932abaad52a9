"""What the lines of one subject report, in bounded memory."""

from __future__ import annotations

from typing import Literal

from knowledge.diagnosis import FaultClass, severity
from knowledge.loghistory.minutes import MinuteCounts
from knowledge.loghistory.stamps import Stamp
from knowledge.loghistory.states import CONNECTION, LASTING, Run, StateRuns
from knowledge.loghistory.subjects import Key, Trouble
from knowledge.loghistory.values import ClassLines, LogSubject, PurpleScreen, StateAt, Timeline

MOST_PROCEDURES = 4
"""Procedures that are listed for each subject."""

MOST_HOSTS = 256
"""Hosts that are followed for each subject until they report that it recovered."""

MOST_DEVICES = 64
"""Devices that are followed for each subject, to recover with them."""


class Tally:
    """Counts the lines of a subject, and follows its states."""

    __slots__ = (
        "alone", "classes", "count", "devices", "down", "first", "first_line", "last", "minutes", "next", "next_rank",
        "procedures", "psod", "runs",
    )  # fmt: skip

    def __init__(self, line: int) -> None:
        self.first_line = line
        self.count = 0
        self.first: Stamp | None = None
        self.last: Stamp | None = None
        self.minutes = MinuteCounts()
        self.classes: dict[FaultClass | Literal[""], _OfClass] = {}
        self.runs = StateRuns()
        self.psod: PurpleScreen | None = None
        self.down: set[str] = set()
        """The hosts that reported a lost connection and no recovery; "" for lines that do not name their host."""
        self.devices: set[Tally] = set()
        """The devices of the lines that report a lost connection."""
        self.alone = False
        """Whether such a line named no device, so that the recovery of a device does not end it."""
        self.next = ""
        self.next_rank = (False, -1)
        self.procedures: dict[str, tuple[bool, int]] = {}
        """How bad the worst line is that points to each."""

    def add(self, trouble: Trouble, stamp: Stamp | None, host: str, devices: tuple[Tally, ...] = ()) -> None:
        """Take a line; ``devices`` are those that it names, if their recovery is also one of this subject."""
        self.count += 1
        self._note_time(stamp)
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
            self._recover(stamp, host)
        elif trouble.class_ in LASTING:
            self.runs.add(trouble.class_, stamp)
            if trouble.class_ in CONNECTION:
                self._lose(host, devices)

    def subject(self, key: Key) -> LogSubject:
        """Return what is known up to now."""
        classes = sorted(self.classes, key=severity, reverse=True)
        ended = self._ended_with_devices()
        return LogSubject(
            subject=key.name,
            kind=key.kind,
            host=key.host,
            first=_text(self.first),
            last=_text(self.last),
            first_line=self.first_line,
            count=self.count,
            peak_per_minute=self.minutes.peak,
            class_=classes[0],
            classes=tuple(self.classes[class_].lines(class_) for class_ in classes),
            states=tuple(StateAt(state=run.state, at=_text(run.first)) for run in self._passed()),
            states_omitted=self.runs.omitted,
            not_recovered_on=() if ended else tuple(sorted(self.down - {""})),
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
        return Timeline(
            clock=self.first.clock,
            first=self.first.minute,
            last=self.last.minute,
            width=self.minutes.width,
            buckets=self.minutes.buckets,
            states=tuple((run.first.minute, run.state) for run in self._passed() if run.first),
        )

    def _recover(self, stamp: Stamp | None, host: str) -> None:
        self.down -= {host, ""} if host else self.down
        if not self.down:
            self.runs.add("recovered", stamp)
            self.devices.clear()
            self.alone = False

    def _lose(self, host: str, devices: tuple[Tally, ...]) -> None:
        if len(self.down) < MOST_HOSTS:
            self.down.add(host)
        if len(self.devices) < MOST_DEVICES:
            self.devices.update(devices)
        if not self.devices.issuperset(devices) or not devices:
            self.alone = True

    def _passed(self) -> list[Run]:
        passed, ended = self.runs.passed(), self._ended_with_devices()
        return [*passed, ended] if ended else passed

    def _ended_with_devices(self) -> Run | None:
        """Return the recovery of the devices of which lines reported the loss, when those lines are the only ones."""
        if self.alone or not self.devices:
            return None
        passed = self.runs.passed()
        ends = [device._recovery() for device in self.devices]
        if not passed or passed[-1].state not in CONNECTION or None in ends:
            return None
        return max((end for end in ends if end), key=lambda end: end.first.seconds if end.first else -1)

    def _recovery(self) -> Run | None:
        """Return the recovery in which it is now, on all hosts."""
        passed = self.runs.passed()
        return passed[-1] if passed and passed[-1].state == "recovered" and not self.down - {""} else None

    def _note_time(self, stamp: Stamp | None) -> None:
        """Take the time of a line; those of another clock than the first cannot be compared and are left out."""
        if stamp is None:
            return
        if self.first is None or self.last is None:
            self.first = self.last = stamp
        if stamp.clock == self.first.clock:
            self.minutes.add(stamp.minute)
            if stamp.seconds < self.first.seconds:
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
