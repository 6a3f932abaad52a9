"""The meaning of the host, device and plugin status of a SCSI command, and which of the three names the cause.

Plugin status outranks host status, and host status outranks device status (comment in VMware's
``vmkapi_scsi_ext.h``). The meaning of some numbers changed between releases; when the release is not known, the
result has every meaning.
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
"""The upper end of "and later" in a range of major releases."""

ANY = (4, NEWEST)
"""The range of major releases that log ``H: D: P:`` (so does 3.5 Update 5, with the numbers of 4.x)."""


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
    """The host, device and plugin status of one command."""

    host: tuple[Reading, ...]
    device: tuple[Reading, ...]
    plugin: tuple[Reading, ...]
    cause: Component | None
    """The component that reports the cause; None when all three are good."""

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The possible meanings of the status that names the cause, or those of the device when there is no error."""
        by_name = {"plugin": self.plugin, "host": self.host, "device": self.device}
        return by_name[self.cause or "device"]


def status(host: int, device: int, plugin: int | None, majors: tuple[int, int] = ANY) -> Status:
    """Return the meaning of an ``H: D: P:`` status, as logged since 4.x.

    ``plugin`` is None when the line has no ``P:``. ``majors`` is the first and last major release that may have
    written it.
    """
    return Status(
        host=_readings("host", host, majors),
        device=_readings("device", device, majors),
        plugin=_readings("plugin", plugin, majors) if plugin is not None else (),
        cause="plugin" if plugin else "host" if host else "device" if device else None,
    )


def status_of_esx3(device: str, host: str) -> Status:
    """Return the meaning of the ``status = device/host`` of ESX 3.x; both arguments are the digits as printed.

    It is not known whether ESX 3.x prints decimal or hexadecimal numbers, so the result has both meanings where they
    differ and both exist.
    """
    devices, hosts = _numbers(device), _numbers(host)
    return Status(
        host=_known_readings("host", hosts, (3, 3)),
        device=_known_readings("device", devices, (3, 3)),
        plugin=(),
        cause="host" if any(hosts) else "device" if any(devices) else None,
    )


def _numbers(printed: str) -> list[int]:
    if printed.lower().startswith("0x"):
        return [int(printed, 16)]
    decimal = [int(printed)] if printed.isdecimal() else []
    return list(dict.fromkeys([*decimal, int(printed, 16)]))


def _known_readings(component: Component, numbers: list[int], majors: tuple[int, int]) -> tuple[Reading, ...]:
    known = [number for number in numbers if _rows(component, number, majors)]
    return tuple(reading for number in known or numbers[:1] for reading in _readings(component, number, majors))


def _readings(component: Component, code: int, majors: tuple[int, int]) -> tuple[Reading, ...]:
    rows = _rows(component, code, majors)
    if not rows:
        text = "no known release defines this number"
        return (Reading(component=component, code=f"{code:#x}", name="", description=text, versions=""),)
    return tuple(
        Reading(
            component=component, code=f"{code:#x}", name=row.name, description=row.description, versions=row.versions
        )
        for row in rows
    )


def _rows(component: Component, code: int, majors: tuple[int, int]) -> list[_Row]:
    """Return the rows of a number in a range of releases or, when there are none, its rows in other releases."""
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
    """Parse the releases of a row (``4.x-8.x``, ``6.0+``, ``4.x (and KB text up to 2016)``) to first and last major."""
    parsed = re.search(r"(\d)\.[\dx](\+|-\d)?", versions)
    if parsed is None:
        raise ValueError(f"scsi_status.tsv: no release in {versions!r}")
    first = int(parsed[1])
    if parsed[2]:
        return first, NEWEST
    return first, 5 if "up to 2016" in versions else first
