"""The shell script that adds a device to an installed ESX 3.5 from a rescue system, for both documented ways."""

from __future__ import annotations

from enum import StrEnum
from importlib.resources import files

from knowledge.drivermap.device import Device, InvalidDevice
from knowledge.drivermap.entries import xml_text


class Way(StrEnum):
    """The two documented ways: doubling the similar device's lines, or appending new ones."""

    RESCUE = "rescue"
    AUTOMATED = "automated"


HEAD = """\
#!/bin/bash
# Adds {vendor}:{device} to an installed ESX Server 3.5: the driver {driver} takes it from then on ({way} way).
# Run as root in a rescue system (a Linux live disk) on the ESX host. Options: --check, --undo.
# Every file that it changes is kept beside it as .org. After the notes of Reinhard Partmann (VMware community,
# December 2007), with their mistakes corrected.

set -euo pipefail

# What is added.
"""


def script(device: Device, way: Way) -> str:
    """Return the whole script; raises ``InvalidDevice`` when the rescue way is asked without a similar device."""
    if way is Way.RESCUE and not device.like:
        raise InvalidDevice("like", "the rescue way doubles the lines of a similar device: name it, or take automated")
    settings = {
        "VENDOR": device.vendor,
        "DEVICE": device.device,
        "DRIVER": device.driver,
        "NAME": device.name,
        "XML_NAME": xml_text(device.name),
        "KERNEL": device.kernel,
    }
    if way is Way.RESCUE:
        settings["LIKE"] = device.like
    head = HEAD.format(vendor=device.vendor, device=device.device, driver=device.driver, way=way)
    lines = "".join(f"{key}={_quoted(value)}\n" for key, value in settings.items())
    return head + lines + "".join(_part(name) for name in ("common", str(way), "main"))


def _quoted(value: str) -> str:
    """Return the value in single quotes for the shell."""
    return "'" + value.replace("'", "'\\''") + "'"


def _part(name: str) -> str:
    return files("knowledge").joinpath("drivermap", "scripts", f"{name}.sh").read_text(encoding="utf-8")
