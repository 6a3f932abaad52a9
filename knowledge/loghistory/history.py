"""Follows what happens to each subject while a log is read, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from knowledge.diagnosis import severity
from knowledge.loghistory.incident import incident
from knowledge.loghistory.stamps import Stamp, host_of, stamp_of
from knowledge.loghistory.states import LASTING
from knowledge.loghistory.subjects import Key, Trouble, named_in, trouble_in, volume_id
from knowledge.loghistory.tally import Tally
from knowledge.loghistory.values import UNNAMED, LogSubject, Place, Report
from knowledge.vmklog.stream import Decoded

MOST_SUBJECTS = 2000
"""Subjects that are followed; lines about others are counted together."""

THIS_HOST = "this host"
"""The subject of lines that name nothing and whose fault is on their host, when they do not name it."""

THIS_VM = "this VM"
"""The subject of lines of a ``vmware.log`` that does not show the name of its VM."""

BY_THEMSELVES = frozenset(("device", "target", "host"))
"""Kinds whose recovery does not follow from that of a device in the same line."""

STORAGE = frozenset(("device", "datastore"))
"""The kinds of what a LUN that is not named can be."""

_VOLUME_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}(?:-[0-9a-f]{4}-[0-9a-f]{12})?", re.IGNORECASE)
_VMWARE_LOG = re.compile(r"[^|\s]{20,30}(?:\| | \w\w\(0\d\) )|\w{3} \d\d [\d:.]{8,12}: [\w-]{2,20}\| ")


class LogHistory:
    """The subjects of one log, or of the logs of one bundle."""

    def __init__(self) -> None:
        self._tallies: dict[Key, Tally] = {}
        self._names: dict[str, str] = {}
        self._vm = THIS_VM
        self._stamp: Stamp | None = None
        self._omitted_lines = 0

    def add(self, decoded: Decoded) -> None:
        """Take the findings of one more line.

        The lines of each file are given in order. The files can come in any order: the times of the lines decide.
        """
        if not decoded.findings:
            return
        if not decoded.offset:
            self._stamp = stamp_of(decoded.text)
        trouble = trouble_in(decoded.findings)
        self._learn_names(decoded)
        if trouble is None:
            return
        host = "" if decoded.offset else host_of(decoded.text)
        place = Place(decoded.file, decoded.findings[0].line)
        tallies: dict[Key, Tally] = {}
        for key in self._subjects(decoded, host, trouble):
            tally = self._tallies.get(key)
            if tally is None:
                if len(self._tallies) >= MOST_SUBJECTS:
                    self._omitted_lines += 1
                    continue
                tally = self._tallies[key] = Tally(place)
            tallies[key] = tally
        devices = tuple(tally for key, tally in tallies.items() if key.kind == "device")
        for key, tally in tallies.items():
            of_key = trouble if key.kind == "host" else trouble._replace(psod=None)
            tally.add(of_key, self._stamp, place, host, () if key.kind in BY_THEMSELVES else devices)

    def add_all(self, lines: Iterable[Decoded]) -> None:
        """Take several lines."""
        for decoded in lines:
            self.add(decoded)

    def report(self) -> Report:
        """Return what was read up to now."""
        tallies = sorted(self._tallies.items(), key=lambda pair: pair[1].first_second)
        found = [(tally.subject(key), tally.timeline()) for key, tally in tallies]
        most = _worst_named(subject for subject, _ in found)
        found.sort(key=lambda pair: _rank(pair[0], most))
        subjects = tuple(subject for subject, _ in found)
        return Report(
            subjects=subjects,
            incident=incident(subjects),
            omitted_lines=self._omitted_lines,
            timelines=tuple(timeline for _, timeline in found),
        )

    def _subjects(self, decoded: Decoded, host: str, trouble: Trouble) -> Iterable[Key]:
        """Return what a line is about; a purple screen is about the host, whichever world its text names.

        In a ``vmware.log``, the same texts report that the process of the VM stopped. A line that names nothing is
        about the host that wrote it, unless its fault is elsewhere.
        """
        of_vm = _VMWARE_LOG.match(decoded.text)
        named = named_in(decoded.findings, host)
        if not of_vm and any(finding.kind == "psod" for finding in decoded.findings):
            named = {}
        if not named:
            if of_vm:
                return [Key("vm", self._vm)]
            if trouble.psod is None and trouble.where in UNNAMED:
                kind, name = UNNAMED[trouble.where]
                return [Key(kind, name, host if kind != "vcenter" else "")]
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


def _worst_named(subjects: Iterable[LogSubject]) -> int | None:
    """The severity of the worst lasting fault of a device or a datastore that the log names; None without one."""
    named = (each.class_ for each in subjects if each.named and each.kind in STORAGE)
    return max((severity(class_) for class_ in named if class_ in LASTING), default=None)


def _rank(subject: LogSubject, worst_named: int | None) -> tuple[bool, int, bool, bool, bool, int]:
    """The worst first, above all a host with a purple screen, because each of its VMs is down.

    Among equals, what has not recovered is first, then what is reported most often, then what was reported first. A
    path comes after the device whose loss it reports, because a log reports the recovery of the device alone. A LUN
    that the log does not name is probably one that other lines name, so it comes after the worst of those.
    """
    of_device = subject.kind == "path" and subject.class_ in ("APD", "PDL")
    bad, after = severity(subject.class_), False
    if worst_named is not None and not subject.named and subject.kind in STORAGE:
        bad, after = min(bad, worst_named), bad >= worst_named
    return subject.psod is None, -bad, after, of_device, subject.recovered, -subject.count
