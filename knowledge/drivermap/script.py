"""Generates the shell script that adds a device to an installed ESX 3.5 from a rescue system, for both documented ways.

The parts of the script are in ``scripts/``: ``common``, then ``rescue`` or ``automated``, then ``main``.
"""

from __future__ import annotations

from enum import StrEnum
from importlib.resources import files

from knowledge.drivermap.device import Device, InvalidDevice
from knowledge.drivermap.entries import xml_text


class Way(StrEnum):
    """The two documented ways: duplicate the lines of a similar device (rescue), or append new ones (automated)."""

    RESCUE = "rescue"
    AUTOMATED = "automated"


HEAD = """\
#!/bin/bash
# Adds {vendor}:{device} to an installed ESX Server 3.5, which then uses the driver {driver} for it ({way} way).
# Run it as root in a rescue system (a Linux live disk) on the ESX host. Options: --check, --undo.
# It keeps a copy of every file that it changes, with the suffix .org. Based on the notes of Reinhard Partmann (VMware
# community, December 2007), with corrections.

set -euo pipefail

# The device to add.
"""


def script(device: Device, way: Way) -> str:
    """Return the whole script; raises ``InvalidDevice`` for the rescue way without a similar device."""
    if way is Way.RESCUE and not device.like:
        raise InvalidDevice("like", "the rescue way needs a similar device: give one, or use the automated way")
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
    """Return the value in single quotes, as one word of the shell."""
    return "'" + value.replace("'", "'\\''") + "'"


def _part(name: str) -> str:
    return files("knowledge").joinpath("drivermap", "scripts", f"{name}.sh").read_text(encoding="utf-8")
