"""How a fault is described: where it is, what kind it is, and what to do next.

Codes of a table and lines of a log use the same two closed lists of words, so that readers can filter both in the same
way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from knowledge.data_files import data_lines

Where = Literal[
    "guest",
    "VM",
    "host",
    "HBA or driver",
    "path or fabric",
    "target or array",
    "LUN",
    "medium",
    "network",
    "vCenter",
]

FaultClass = Literal[
    "harmless",
    "transient",
    "reservation",
    "busy",
    "path loss",
    "APD",
    "PDL",
    "capacity",
    "medium error",
    "hardware",
    "configuration",
    "authentication",
    "software fault",
]

NAMES_IN_JSON: dict[str, Any] = {
    "alias_generator": lambda name: name.rstrip("_"),
    "serialize_by_alias": True,
    "validate_by_name": True,
}
"""Configures pydantic for a dataclass with a field ``class_``, which is ``class`` in JSON."""

BY_SEVERITY: tuple[FaultClass | Literal[""], ...] = (
    "harmless",
    "",
    "transient",
    "busy",
    "reservation",
    "configuration",
    "authentication",
    "capacity",
    "path loss",
    "software fault",
    "hardware",
    "medium error",
    "APD",
    "PDL",
)
"""Every class, the least severe first: what passes by itself, what stops one thing, what loses redundancy, and what
takes data away. The empty class, of a finding that shows none, is above only ``harmless``."""

Level = Literal["none", "harmless", "warning", "critical"]
"""``critical``: data or a host is gone; ``warning``: up to the loss of redundancy; ``none``: not known."""

_SEVERITY = {class_: place for place, class_ in enumerate(BY_SEVERITY)}


def severity(class_: FaultClass | Literal[""]) -> int:
    """Return the place of a class in ``BY_SEVERITY``; a higher number is worse."""
    return _SEVERITY[class_]


def level(class_: FaultClass | Literal[""]) -> Level:
    """Return how much attention a class deserves."""
    if class_ in ("", "harmless"):
        return "none" if not class_ else "harmless"
    return "warning" if severity(class_) <= severity("path loss") else "critical"


class Diagnosis(NamedTuple):
    """What a status or an error code shows about a fault."""

    where: Where | Literal[""]
    """Where the fault is; empty when the code does not show it."""
    class_: FaultClass | Literal[""]
    """The kind of fault; empty when the code does not show it."""
    certainty: Literal["certain", "likely"]
    """``likely`` when the code has other causes as well, which are less frequent."""
    next: str
    """What to do next, in one line."""
    procedures: tuple[str, ...]
    """Slugs of the procedures that help."""
    why: str
    """Why this is the diagnosis; empty when the definition of the code is reason enough."""


Rules = Mapping[str, Sequence[tuple[frozenset[str], Diagnosis]]]
"""For each pattern: the diagnoses, each with the commands that it is limited to (none: it holds for all)."""


def read_rules(table: str) -> Rules:
    """Return the diagnoses of a table in ``knowledge/data``.

    Its columns are ``match`` (the pattern), ``commands``, ``certainty``, ``where``, ``class``, ``next``,
    ``procedures``, ``why`` and ``source``. Of the rows with the same pattern, the first one that holds is used.
    """
    rules: dict[str, list[tuple[frozenset[str], Diagnosis]]] = {}
    for line in data_lines(table):
        match, commands, certainty, where, class_, then, procedures, why, _ = line.split("\t")
        diagnosis = Diagnosis(where, class_, certainty, then, tuple(procedures.split()), why)  # type: ignore[arg-type]
        rules.setdefault(match, []).append((frozenset(commands.split()), diagnosis))
    return rules


def first_match(rules: Rules, patterns: Iterable[str], command: str = "") -> Diagnosis | None:
    """Return the diagnosis of the first pattern that has one for this command; None when there is none."""
    for pattern in patterns:
        for commands, diagnosis in rules.get(pattern, ()):
            if not commands or command in commands:
                return diagnosis
    return None
