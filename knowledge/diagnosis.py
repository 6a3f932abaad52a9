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
