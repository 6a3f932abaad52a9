"""The two closed lists of words that describe a fault: where it is, and what kind it is.

Codes of a table and lines of a log use the same words, so that readers can filter both in the same way.
"""

from __future__ import annotations

from typing import Literal

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

_SEVERITY = {class_: place for place, class_ in enumerate(BY_SEVERITY)}


def severity(class_: FaultClass | Literal[""]) -> int:
    """Return the place of a class in ``BY_SEVERITY``; a higher number is worse."""
    return _SEVERITY[class_]
