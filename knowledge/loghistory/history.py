"""Follows what happens to each subject while a log is read, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

from knowledge.diagnosis import FaultClass, severity
from knowledge.loghistory.incident import incident
from knowledge.loghistory.minutes import MinuteCounts
from knowledge.loghistory.stamps import Stamp, host_of, stamp_of
from knowledge.loghistory.states import CONNECTION, LASTING, StateRuns
from knowledge.loghistory.subjects import Key, Trouble, named_in, trouble_in, volume_id
from knowledge.loghistory.values import LogSubject, Report, StateAt, Timeline
from knowledge.vmklog.stream import Decoded

MOST_SUBJECTS = 2000
"""Subjects that are followed; lines about others are counted together."""

MOST_PROCEDURES = 4
"""Procedures that are listed for each subject."""

MOST_HOSTS = 256
"""Hosts that are followed for each subject until they report that it recovered."""

THIS_HOST = "this host"
"""The subject of lines that name nothing, when they do not name their host."""

THIS_VM = "this VM"
"""The subject of lines of a ``vmware.log`` that does not show the name of its VM."""

_VOLUME_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}(?:-[0-9a-f]{4}-[0-9a-f]{12})?", re.IGNORECASE)
_VMWARE_LOG = re.compile(r"[^|\s]{20,30}(?:\| | \w\w\(0\d\) )|\w{3} \d\d [\d:.]{8,12}: [\w-]{2,20}\| ")


class LogHistory:
    """The subjects of one log, or of the logs of one bundle."""

    def __init__(self) -> None:
        self._tallies: dict[Key, _Tally] = {}
        self._names: dict[str, str] = {}
        self._vm = THIS_VM
        self._stamp: Stamp | None = None
        self._omitted_lines = 0

    def add(self, decoded: Decoded) -> None:
        """Take the findings of one more line; lines are given in the order in which they were read."""
        if not decoded.findings:
            return
        if not decoded.offset:
            self._stamp = stamp_of(decoded.text)
        trouble = trouble_in(decoded.findings)
        self._learn_names(decoded)
        if trouble is None:
            return
        host = "" if decoded.offset else host_of(decoded.text)
        for key in self._subjects(decoded, host):
            tally = self._tallies.get(key)
            if tally is None:
                if len(self._tallies) >= MOST_SUBJECTS:
                    self._omitted_lines += 1
                    continue
                tally = self._tallies[key] = _Tally(decoded.findings[0].line)
            tally.add(trouble, self._stamp, host)

    def add_all(self, lines: Iterable[Decoded]) -> None:
        """Take several lines."""
        for decoded in lines:
            self.add(decoded)

    def report(self) -> Report:
        """Return what was read up to now."""
        found = [(tally.subject(key), tally.timeline()) for key, tally in self._tallies.items()]
        found.sort(key=lambda pair: _rank(pair[0]))
        subjects = tuple(subject for subject, _ in found)
        return Report(
            subjects=subjects,
            incident=incident(subjects),
            omitted_lines=self._omitted_lines,
            timelines=tuple(timeline for _, timeline in found),
        )

    def _subjects(self, decoded: Decoded, host: str) -> Iterable[Key]:
        named = named_in(decoded.findings, host)
        if not named:
            if _VMWARE_LOG.match(decoded.text):
                return [Key("vm", self._vm)]
            return [Key("host", host or THIS_HOST)]
        return dict.fromkeys(self._by_name(key) for key in named)

    def _by_name(self, key: Key) -> Key:
        """Return the key of a datastore by its name, when an earlier line has its name next to its UUID."""
        name = self._names.get(key.name.lower()) if key.kind == "datastore" else None
        return key._replace(name=name) if name else key

    def _learn_names(self, decoded: Decoded) -> None:
        findings = decoded.findings
        for before, after in pairwise(findings):
            if before.kind == after.kind == "datastore" and 0 < after.start - before.end <= len(' ("'):
                if not _VOLUME_ID.fullmatch(before.text) or len(self._names) >= MOST_SUBJECTS:
                    continue
                self._rename(volume_id(before.text.lower()), after.text)
        if findings[0].kind == "vm" and " DICT " in decoded.text:
            self._vm = findings[0].text

    def _rename(self, volume: str, name: str) -> None:
        if volume not in self._names:
            self._names[volume] = name
            by_name, by_volume = Key("datastore", name), Key("datastore", volume)
            if by_volume in self._tallies and by_name not in self._tallies:
                self._tallies[by_name] = self._tallies.pop(by_volume)


class _Tally:
    """What the lines of one subject report."""

    __slots__ = ("class_", "count", "down", "first", "first_line", "last", "minutes", "next", "procedures", "runs")

    def __init__(self, line: int) -> None:
        self.first_line = line
        self.count = 0
        self.first: Stamp | None = None
        self.last: Stamp | None = None
        self.minutes = MinuteCounts()
        self.runs = StateRuns()
        self.down: set[str] = set()
        """The hosts that reported a lost connection and no recovery; "" for lines that do not name their host."""
        self.class_: FaultClass | Literal[""] = "harmless"
        self.next = ""
        self.procedures: dict[str, int] = {}
        """The severity of the worst line that points to each."""

    def add(self, trouble: Trouble, stamp: Stamp | None, host: str) -> None:
        self.count += 1
        if stamp is not None:
            self._note_time(stamp)
        how_bad = severity(trouble.class_)
        if trouble.next and (not self.next or how_bad > severity(self.class_)):
            self.next = trouble.next
        if how_bad > severity(self.class_):
            self.class_ = trouble.class_
        for slug in trouble.procedures:
            self.procedures[slug] = max(how_bad, self.procedures.get(slug, 0))
        if trouble.recovered:
            self.down -= {host, ""} if host else self.down
            if not self.down:
                self.runs.add("recovered", stamp)
        elif trouble.class_ in LASTING:
            self.runs.add(trouble.class_, stamp)
            if trouble.class_ in CONNECTION and len(self.down) < MOST_HOSTS:
                self.down.add(host)

    def subject(self, key: Key) -> LogSubject:
        return LogSubject(
            subject=key.name,
            kind=key.kind,
            host=key.host,
            first=_text(self.first),
            last=_text(self.last),
            first_line=self.first_line,
            count=self.count,
            peak_per_minute=self.minutes.peak,
            class_=self.class_,
            states=tuple(StateAt(state=run.state, at=_text(run.first)) for run in self.runs.passed()),
            states_omitted=self.runs.omitted,
            not_recovered_on=tuple(sorted(self.down - {""})),
            next=self.next,
            procedures=tuple(sorted(self.procedures, key=lambda slug: -self.procedures[slug])[:MOST_PROCEDURES]),
        )

    def timeline(self) -> Timeline | None:
        if self.first is None:
            return None
        states = tuple((run.first.minute, run.state) for run in self.runs.passed() if run.first)
        return Timeline(clock=self.first.clock, width=self.minutes.width, buckets=self.minutes.buckets, states=states)

    def _note_time(self, stamp: Stamp) -> None:
        """Take the time of a line; those of another clock than the first cannot be compared and are left out."""
        if self.first is None or self.last is None:
            self.first = self.last = stamp
        if stamp.clock == self.first.clock:
            self.minutes.add(stamp.minute)
            self.first = min(self.first, stamp, key=_seconds)
            self.last = max(self.last, stamp, key=_seconds)


def _seconds(stamp: Stamp) -> int:
    return stamp.seconds


def _text(stamp: Stamp | None) -> str:
    return stamp.text if stamp else ""


def _rank(subject: LogSubject) -> tuple[int, bool, bool, int]:
    """The worst first; among equals what has not recovered, then what is reported most often.

    A path comes after the device whose loss it reports, because a log reports the recovery of the device alone.
    """
    of_device = subject.kind == "path" and subject.class_ in ("APD", "PDL")
    return -severity(subject.class_), of_device, subject.recovered, -subject.count
