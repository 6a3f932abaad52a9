"""ESX 3.5: the lines, and the whole script, that make it use a driver for one more PCI device."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from knowledge.drivermap.device import DEFAULT_KERNEL, described
from knowledge.drivermap.entries import corrections, entries
from knowledge.drivermap.script import Way, script
from service.api.lookups import DriverEntry, PciDevice, ScriptCorrection
from service.api.models import Value
from service.http._route import Call, Query, Route


class DeviceQuery(Query):
    """A PCI device and the driver for it."""

    device: str = Field(max_length=40, description="vendor:device as `lspci -n` prints it, such as 10de:037f.")
    driver: str = Field(max_length=40, description="The module, such as sata_nv.")
    like: str = Field(
        default="", max_length=40, description="A device of that vendor that the driver supports already."
    )
    name: str = Field(default="", max_length=100, description="The device's name for people.")
    kernel: str = Field(default=DEFAULT_KERNEL, max_length=80, description="`uname -r` of the service console.")

    def described(self) -> PciDevice:
        """The device, with every value checked."""
        return described(device=self.device, driver=self.driver, like=self.like, name=self.name, kernel=self.kernel)


class ScriptQuery(DeviceQuery):
    """The device, and which of the two documented ways the script takes."""

    way: Literal["rescue", "automated"] = Field(
        default="automated", description="rescue doubles the lines of `like`; automated appends new ones."
    )


class DriverMap(Value):
    """The entries for a device, in the order in which they are made."""

    device: PciDevice
    entries: tuple[DriverEntry, ...]
    corrections: tuple[ScriptCorrection, ...] = Field(description="Mistakes in the documented procedure.")
    mends: tuple[ScriptCorrection, ...] = Field(
        deprecated=True, description="The old name of `corrections`; the next release leaves it out."
    )


class DriverScript(Value):
    """A shell script to run as root in a rescue system; it has --check and --undo."""

    way: Way
    script: str


async def _map(call: Call[DeviceQuery, None]) -> DriverMap:
    device = call.query.described()
    return DriverMap(device=device, entries=entries(device), corrections=corrections(), mends=corrections())


async def _script(call: Call[ScriptQuery, None]) -> DriverScript:
    way = Way(call.query.way)
    return DriverScript(way=way, script=script(call.query.described(), way))


def _map_text(answer: DriverMap) -> str:
    parts = [f"# {each.file}\n# where: {each.where}\n# {each.certainty}\n{each.text}\n" for each in answer.entries]
    return "\n".join(parts)


ROUTES = (
    Route(
        method="GET",
        path="/drivermap",
        summary="The lines that make ESX 3.5 use a driver for one more PCI device",
        handle=_map,
        answer=DriverMap,
        query=DeviceQuery,
        lookup=True,
        text=_map_text,
        page="drivermap.html",
    ),
    Route(
        method="GET",
        path="/drivermap/script",
        summary="The shell script that adds the device to an installed ESX 3.5",
        handle=_script,
        answer=DriverScript,
        query=ScriptQuery,
        lookup=True,
        text=lambda answer: answer.script,
        form="text",
    ),
)
