"""Virtual hardware versions (``virtualHW.version``, ``vmx-NN``), and the oldest host that runs each of them.

A host runs the versions up to its own; a VM with a newer one is listed as invalid, and its import is refused. The table
is ``knowledge/data/hardware_versions.tsv``, which names the source of each row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from knowledge.data_files import data_lines


@dataclass(frozen=True, slots=True)
class HardwareVersion:
    """One virtual hardware version."""

    number: int
    first_product: str
    """The product that introduced it, such as ``ESXi 8.0 Update 2`` or ``Workstation 12.0``."""
    oldest_host: str
    """The oldest ESX or ESXi release that runs it; empty when no release is known to."""
    newest_host: str
    """The newest release that runs it; empty when current releases do."""
    certainty: str
    """``documented``, or ``inferred`` when VMware documents only a Workstation release for it."""
    source: str


@cache
def hardware_versions() -> dict[int, HardwareVersion]:
    """Return every known version by its number, in ascending order."""
    rows = (line.split("\t") for line in data_lines("hardware_versions.tsv"))
    return {int(number): HardwareVersion(int(number), *rest) for number, *rest in rows}


def newest_version() -> HardwareVersion:
    """Return the newest known version."""
    return list(hardware_versions().values())[-1]
