"""The values of a report: subjects with their states, and the sentence for an incident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

from knowledge.diagnosis import NAMES_IN_JSON, FaultClass, Where
from knowledge.loghistory.stamps import Clock
from knowledge.vmklog.finding import Certainty

SubjectKind = Literal["device", "target", "path", "adapter", "datastore", "vm", "host", "vcenter"]
State = FaultClass | Literal["recovered"]

UNNAMED: Mapping[Where | Literal[""], tuple[SubjectKind, str]] = {
    "guest": ("vm", "a VM that the log does not name"),
    "VM": ("vm", "a VM that the log does not name"),
    "HBA or driver": ("adapter", "an adapter that the log does not name"),
    "path or fabric": ("path", "a path that the log does not name"),
    "target or array": ("target", "a target or array that the log does not name"),
    "LUN": ("device", "a LUN or datastore that the log does not name"),
    "medium": ("device", "a disk that the log does not name"),
    "vCenter": ("vcenter", "vCenter"),
}
"""The kind and the name of the subject of a line that names nothing, by where its fault is. Elsewhere, it is the host
that wrote the line."""
IN_WORDS: Mapping[State | Literal[""], str] = {
    "": "unclassified findings",
    "authentication": "authentication failure",
    "busy": "busy or locked",
    "capacity": "capacity shortage",
    "configuration": "configuration fault",
    "hardware": "hardware fault",
    "reservation": "reservation conflict",
    "transient": "transient fault",
}
"""What to call the fault of a class in a sentence, where the class alone is no noun for it."""
_UNNAMED = frozenset(name for _, name in UNNAMED.values())


class Place(NamedTuple):
    """Where a line is: its file in an archive, empty for an input that is one text, and its number from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"line {self.line} of {self.file}" if self.file else f"line {self.line}"


@dataclass(frozen=True, kw_only=True, slots=True)
class StateAt:
    """A state that a subject entered."""

    state: State
    at: str
    """The time as the log prints it, without fractions of a second; empty when the line has none."""
    file: str = ""
    """The file in an archive that has the line; empty for an input that is one text."""
    line: int = 0
    """The number of the line, from 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassLines:
    """The lines of a subject that have one class."""

    __pydantic_config__ = NAMES_IN_JSON

    class_: FaultClass | Literal[""]
    count: int
    first: str
    """The time of the first of them, as the log prints it; empty when it has none."""
    last: str
    peak_per_minute: int
    """The most of them in one minute; too low when the lines are not in order, 0 when they have no time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PurpleScreen:
    """A purple diagnostic screen (PSOD): the VMkernel of a host stopped, and all VMs on it."""

    summary: str
    """What the first heading of the screen means."""
    at: str
    """The time of its line, as the log prints it; empty when it has none."""
    certainty: Certainty
    """``likely`` when only the text of one line shows it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogSubject:
    """Something that lines of a log report trouble of, with what happened to it."""

    __pydantic_config__ = NAMES_IN_JSON

    subject: str
    """Its name, such as ``naa.600140...``, ``vmhba2:C0:T1:L80`` or ``DS01``; for lines that name nothing, the host, or
    words such as ``a VM that the log does not name`` when the fault is not on the host."""
    kind: SubjectKind
    host: str = ""
    """The host that a path or an adapter is of, or whose lines do not name the subject, when the lines name their host
    as syslog does."""
    first: str
    """The time of the first line, as the log prints it, without fractions of a second; empty when it has none."""
    last: str
    """The time of the last line."""
    first_line: int
    """The number of the first line, from 1."""
    first_file: str = ""
    """The file in an archive that has the first line; empty for an input that is one text."""
    count: int
    """Lines that report something about it."""
    peak_per_minute: int
    """The most such lines in one minute; 0 when they have no time."""
    class_: FaultClass | Literal[""]
    """The worst class of these lines; empty when none has a class."""
    states: tuple[StateAt, ...]
    """The states that it passed through, in order."""
    states_omitted: int = 0
    """States that are missing in the middle of ``states``, because there were too many."""
    order_is_known: bool = True
    """False when the states are from several files and in the order in which these were read, because some lines have
    no time, or the time of another clock."""
    not_recovered_on: tuple[str, ...] = ()
    """The hosts that reported a lost connection and not its end, when the lines name their host as syslog does."""
    next: str
    """What to do next, in one line; empty when unknown."""
    procedures: tuple[str, ...]
    """Slugs of the procedures that help, the most relevant first."""
    classes: tuple[ClassLines, ...]
    """The lines by class, the worst first."""
    psod: PurpleScreen | None = None
    """For a host that stopped with a purple diagnostic screen."""

    @property
    def first_place(self) -> Place:
        """Where the first line is."""
        return Place(self.first_file, self.first_line)

    @property
    def recovered(self) -> bool:
        """Whether the log reports that the trouble ended, on each host that reported it."""
        return bool(self.states) and self.states[-1].state == "recovered" and not self.not_recovered_on

    @property
    def named(self) -> bool:
        """Whether the log names it."""
        return self.subject not in _UNNAMED

    @property
    def title(self) -> str:
        """Its kind and name, and its host when that is known."""
        kind = "VM" if self.kind == "vm" else self.kind
        if self.subject == f"this {kind}":
            return self.subject
        if not self.named:
            return f"{self.subject}, on {self.host}" if self.host else self.subject
        return f"{kind} {self.subject} on {self.host}" if self.host else f"{kind} {self.subject}"

    @property
    def other_classes(self) -> str:
        """The classes of its other lines with their counts, such as ``reservation 1, capacity 1``."""
        return ", ".join(f"{lines.class_ or 'unclassified'} {lines.count}" for lines in self.classes[1:])

    def to_dict(self) -> dict[str, Any]:
        """Return the subject as values for JSON, by field name; ``class_`` is ``class``, also in ``classes``."""
        return asdict(self, dict_factory=lambda pairs: {name.rstrip("_"): value for name, value in pairs})


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """When the lines of a subject were written."""

    clock: Clock
    first: int
    """The minute of the first line."""
    last: int
    """The minute of the last line."""
    width: int
    """Minutes in a bucket."""
    buckets: Mapping[int, int]
    """Lines by the first minute of each bucket."""
    states: tuple[tuple[int, State, Place], ...]
    """The minute of each state, the state, and the line that reports it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a log shows."""

    subjects: tuple[LogSubject, ...]
    """The worst first."""
    incident: str
    """A paragraph for an incident: what, since when, how bad, and what to do next; empty without subjects."""
    omitted_lines: int = 0
    """Lines about subjects that are not listed, because there were too many."""
    timelines: tuple[Timeline | None, ...] = field(default=())
    """For each subject, in the same order; None when its lines have no time."""
