"""Host, device and plugin status of a SCSI command -> words, and which of the three tells the cause.

Plugin outranks host, host outranks device (comment in VMware's ``vmkapi_scsi_ext.h``). Some numbers changed their
meaning between releases; where the release is open, every reading is given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

from knowledge.data_files import data_lines

Component = Literal["host", "device", "plugin"]

CHECK_CONDITION = 0x2
NEWEST = 99
"""The upper end of "and later" in a span of major releases."""

ANY = (4, NEWEST)
"""The span of major releases that log ``H: D: P:`` (3.5 Update 5 does too, with the numbers of 4.x)."""


class _Row(NamedTuple):
    name: str
    description: str
    first: int
    last: int
    versions: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One meaning of a status number, and the releases for which it is known."""

    component: Component
    code: str
    name: str
    description: str
    versions: str

    @property
    def text(self) -> str:
        """All of it in one line: ``host 0x8 RESET: Device was reset``."""
        return f"{self.component} {self.code} {self.name}".rstrip() + f": {self.description}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """The three status of one command."""

    host: tuple[Reading, ...]
    device: tuple[Reading, ...]
    plugin: tuple[Reading, ...]
    cause: Component | None
    """The one that tells what went wrong; None when all three are good."""

    @property
    def readings(self) -> tuple[Reading, ...]:
        """What the telling one may mean, or what the device says when nothing went wrong."""
        by_name = {"plugin": self.plugin, "host": self.host, "device": self.device}
        return by_name[self.cause or "device"]


def status(host: int, device: int, plugin: int | None, majors: tuple[int, int] = ANY) -> Status:
    """Read an ``H: D: P:`` status as logged since 4.x, by a release within ``majors`` (first and last major)."""
    return Status(
        host=_readings("host", host, majors),
        device=_readings("device", device, majors),
        plugin=_readings("plugin", plugin, majors) if plugin is not None else (),
        cause="plugin" if plugin else "host" if host else "device" if device else None,
    )


def status_of_esx3(device: str, host: str) -> Status:
    """Read the ``status = device/host`` of ESX 3.x, given as printed.

    Whether ESX 3.x prints them in decimal or in hexadecimal is not settled, so both readings are given where they
    differ and mean something.
    """
    devices, hosts = _numbers(device), _numbers(host)
    return Status(
        host=_both("host", hosts, (3, 3)),
        device=_both("device", devices, (3, 3)),
        plugin=(),
        cause="host" if any(hosts) else "device" if any(devices) else None,
    )


def _numbers(printed: str) -> list[int]:
    if printed.lower().startswith("0x"):
        return [int(printed, 16)]
    decimal = [int(printed)] if printed.isdecimal() else []
    return list(dict.fromkeys([*decimal, int(printed, 16)]))


def _both(component: Component, numbers: list[int], majors: tuple[int, int]) -> tuple[Reading, ...]:
    known = [number for number in numbers if _rows(component, number, majors)]
    return tuple(reading for number in known or numbers[:1] for reading in _readings(component, number, majors))


def _readings(component: Component, code: int, majors: tuple[int, int]) -> tuple[Reading, ...]:
    rows = _rows(component, code, majors)
    if not rows:
        text = "no release known here defines this number"
        return (Reading(component=component, code=f"{code:#x}", name="", description=text, versions=""),)
    return tuple(
        Reading(
            component=component, code=f"{code:#x}", name=row.name, description=row.description, versions=row.versions
        )
        for row in rows
    )


def _rows(component: Component, code: int, majors: tuple[int, int]) -> list[_Row]:
    """Find what a number means in a span of releases; when nothing there is known, what it means elsewhere."""
    of_esx3 = component == "host" and majors == (3, 3)
    rows = [row for row in _table().get((component, code), []) if component != "host" or of_esx3 == (row.last == 3)]
    return [row for row in rows if row.first <= majors[1] and majors[0] <= row.last] or rows


@cache
def _table() -> dict[tuple[str, int], list[_Row]]:
    table: dict[tuple[str, int], list[_Row]] = {}
    for line in data_lines("scsi_status.tsv"):
        component, code, _, name, versions, description, _, _ = line.split("\t")
        first, last = _majors(versions)
        table.setdefault((component, int(code, 16)), []).append(_Row(name, description, first, last, versions))
    return table


def _majors(versions: str) -> tuple[int, int]:
    """Read the releases of a row (``4.x-8.x``, ``6.0+``, ``4.x (and KB text up to 2016)``) as first and last major."""
    read = re.search(r"(\d)\.[\dx](\+|-\d)?", versions)
    if read is None:
        raise ValueError(f"scsi_status.tsv: no release in {versions!r}")
    first = int(read[1])
    if read[2]:
        return first, NEWEST
    return first, 5 if "up to 2016" in versions else first
