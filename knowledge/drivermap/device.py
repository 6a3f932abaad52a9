"""The PCI device to add to ESX 3.5; every value is checked, so that it is safe in a file and in a shell script."""

from __future__ import annotations

import re
from dataclasses import dataclass

from knowledge.errors import Unreadable

DEFAULT_KERNEL = "2.4.21-47.0.1.ELvmnix"
"""The service console's kernel in the documented procedure."""

PCI_ID = re.compile(r"(?:0x)?([0-9a-f]{4})")
DRIVER = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
KERNEL = re.compile(r"[0-9][0-9A-Za-z._-]{0,63}")
NAME = re.compile(r"[A-Za-z0-9 .,:;+/_()\[\]&'#@=-]{1,80}")
NO_DEVICE = ("0000", "ffff")


class InvalidDevice(Unreadable):
    """A value of the device cannot be used; ``field`` names it, and the message says what to give instead."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A PCI device, the driver to use for it, and the texts of its entries.

    ``vendor``, ``device`` and ``like`` are four hex digits in lower case. ``like`` is a similar device: one of the same
    vendor that the driver supports already, or empty. ``kernel`` is the version in the file name of the initrd.
    """

    vendor: str
    device: str
    like: str
    """A device of the same vendor that the driver supports already; empty when none was given."""
    driver: str
    name: str
    kernel: str
    """The version in the file name of the initrd."""


def described(*, device: str, driver: str, like: str = "", name: str = "", kernel: str = DEFAULT_KERNEL) -> Device:
    """Return the device with these values; raises ``InvalidDevice`` for the first wrong one.

    ``device`` is ``vendor:device`` as ``lspci -n`` prints it (10de:037f), ``driver`` a module such as ``sata_nv``, and
    ``like`` a similar device (037e or 10de:037e). ``name`` defaults to the number of the device.
    """
    vendor_part, colon, device_part = device.strip().partition(":")
    if not colon:
        raise InvalidDevice("device", f"{device[:20]!r} has no colon; give vendor:device, e.g. 10de:037f (lspci -n)")
    vendor = _pci_id("device", vendor_part)
    number = _pci_id("device", device_part)
    similar = _like(like, vendor)
    if similar == number:
        raise InvalidDevice("like", f"{similar} is the device itself; give one that the driver supports already")
    return Device(
        vendor=vendor,
        device=number,
        like=similar,
        driver=_driver(driver),
        name=_name(name or f"PCI device {vendor}:{number}"),
        kernel=_kernel(kernel),
    )


def _pci_id(field: str, text: str) -> str:
    match = PCI_ID.fullmatch(text.strip().lower())
    if match is None or match[1] in NO_DEVICE:
        raise InvalidDevice(field, f"{text[:20]!r} is not a PCI number; give four hex digits, e.g. 10de or 037f")
    return match[1]


def _like(text: str, vendor: str) -> str:
    if not text.strip():
        return ""
    first, colon, second = text.strip().partition(":")
    if colon and _pci_id("like", first) != vendor:
        raise InvalidDevice("like", f"{text[:20]!r} is not of vendor {vendor}; give a device of the same vendor")
    return _pci_id("like", second if colon else first)


def _driver(text: str) -> str:
    driver = text.strip().removesuffix(".o")
    if not DRIVER.fullmatch(driver):
        raise InvalidDevice("driver", f"{text[:40]!r} is not a module name; give e.g. sata_nv")
    return driver


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not NAME.fullmatch(name):
        raise InvalidDevice("name", "give 1 to 80 letters, digits, spaces and .,:;+/_()[]&'#@=- for the device's name")
    return name


def _kernel(text: str) -> str:
    kernel = text.strip()
    if not KERNEL.fullmatch(kernel):
        raise InvalidDevice("kernel", f"{text[:40]!r} is not a kernel version; give e.g. {DEFAULT_KERNEL} (uname -r)")
    return kernel
