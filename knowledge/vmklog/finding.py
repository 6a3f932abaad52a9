"""The result of decoding a log: findings, each a span of a line with its meaning, and their counts by meaning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple

from knowledge.diagnosis import NAMES_IN_JSON, FaultClass, Where
from knowledge.scsi import Sense, Status
from knowledge.vmkerr.match import Match

Kind = Literal[
    "vmkernel",
    "errno",
    "scsi-status",
    "scsi-sense",
    "scsi-command",
    "nvme-status",
    "nvme-command",
    "event",
    "phrase",
    "vim-fault",
    "quiesce-error",
    "iscsi-login",
    "iscsi-connection",
    "psod",
    "naa",
    "eui",
    "iqn",
    "nqn",
    "t10",
    "mpx",
    "path",
    "adapter",
    "datastore",
    "vm",
]
Certainty = Literal["certain", "likely", "open"]
"""certain: only one meaning; likely: one meaning, if the release is the one that the format of the line shows, or if it
has the usual cause; open: several meanings, or none that is known."""

SettledBy = Literal["", "given", "text", "errno", "format"]
"""What determined the release: the caller, a text or an errno next to the code, or the format of the line."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Meaning:
    """What a span of a log line means; one object is shared by all spans that mean the same, and equals only itself."""

    __pydantic_config__ = NAMES_IN_JSON

    kind: Kind
    summary: str
    """One line for people."""
    certainty: Certainty = "certain"
    matches: tuple[Match, ...] = ()
    """For a vmkernel status: one for each meaning that is left, with its releases."""
    release: str = ""
    """The release or group of releases that the meaning is for (``ESXi 5.0 and later``); empty when not determined."""
    settled_by: SettledBy = ""
    reason: str = ""
    """Why this certainty, or why that release."""
    where: Where | Literal[""] = ""
    """Where the trouble is; empty when the finding shows none or does not show where."""
    class_: FaultClass | Literal[""] = ""
    """What sort of trouble it is; empty as for ``where``."""
    next: str = ""
    """What to do next, in one line."""
    procedures: tuple[str, ...] = ()
    """Slugs of the procedures that help."""
    notes: tuple[str, ...] = ()
    """Sentences that a reader needs in addition."""
    status: Status | None = None
    sense: Sense | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the meaning as values for JSON, by field name, without empty fields."""
        plain = {field.name.rstrip("_"): _plain(getattr(self, field.name)) for field in fields(self)}
        return {name: value for name, value in plain.items() if value not in ("", [], None)}


class Finding(NamedTuple):
    """One span of a line that means something: ``line`` from 1, ``start`` and ``end`` in characters from 0."""

    line: int
    start: int
    end: int
    text: str
    meaning: Meaning

    @property
    def kind(self) -> Kind:
        """What sort of thing was found."""
        return self.meaning.kind

    @property
    def summary(self) -> str:
        """What it means, in one line for people."""
        return self.meaning.summary

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as values for JSON: its span and the fields of its meaning in one flat object."""
        return {"line": self.line, "start": self.start, "end": self.end, "text": self.text} | self.meaning.to_dict()


def summarize(findings: Iterable[Finding]) -> dict[str, int]:
    """Return the number of findings by their summary, the most frequent first."""
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.summary] = counts.get(finding.summary, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: -pair[1]))


def _plain(value: Any) -> Any:
    """Convert matches and dataclasses, also inside sequences, to values that JSON has."""
    if isinstance(value, Match):
        return value._asdict()
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value
