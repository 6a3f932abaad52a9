"""The entries that make ESX 3.5 use a driver for a PCI device: simple.map, pci.ids and the pciid XML."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from knowledge.drivermap.device import Device


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One entry that makes ESX use the driver."""

    file: str
    """Where it is on the ESX host."""
    where: str
    """The place in the file."""
    text: str
    """Exactly what to write."""
    certainty: str
    """How certain its form is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """One mistake in the documented procedure, and what the scripts have instead."""

    id: str
    way: str
    """The way that has it: ``rescue``, ``automated`` or ``both``."""
    document: str
    ours: str
    why: str


def entries(device: Device) -> tuple[Entry, ...]:
    """Return the entries for a device, in the order of the documented procedure."""
    position = f"after the line of {device.vendor}:{device.like}" if device.like else "at the end"
    xml_where = f'inside <vendor id="{device.vendor}">, as the last device before its </vendor>'
    return (
        Entry(
            file=f"/etc/vmware/simple.map inside /boot/initrd-{device.kernel}.img",
            where=f"on a line of its own, {position}",
            text=f"{device.vendor}:{device.device} 0000:0000 {device.driver}.o",
            certainty="documented word for word for 10de:037f; 0000:0000 means any subsystem",
        ),
        Entry(
            file="/etc/vmware/pci.ids",
            where=f"below the line that begins with {device.vendor}, in order of number; one tab, then two spaces",
            text=f"\t{device.device}  {device.name}",
            certainty="the format of every pci.ids file; the document duplicates the line of the similar device",
        ),
        Entry(
            file="/etc/vmware/pci.xml.merged",
            where=xml_where,
            text=xml_element(device),
            certainty=XML_CERTAINTY + "; that the merged file has the same format is inferred from the document, which "
            "duplicates the same section in both files: compare with a neighboring element before you change it",
        ),
        Entry(
            file=f"/etc/vmware/pciid/{device.driver}.xml",
            where=xml_where,
            text=xml_element(device),
            certainty=XML_CERTAINTY,
        ),
    )


XML_CERTAINTY = (
    "reconstructed: the web page lost the tags. Its eight echo lines (two texts, sata_nv and the name, between spaces) "
    "match this element, and a public description of the same script and device shows it (kolmann.at, August 2008)"
)


def xml_element(device: Device) -> str:
    """Return the ``<device>`` element of the pciid XML, indented as in the files of ESX."""
    return "\n".join(
        [
            f'    <device id="{device.device}">',
            '      <vmware label="scsi">',
            f"        <driver>{device.driver}</driver>",
            "      </vmware>",
            f"      <name>{xml_text(device.name)}</name>",
            "    </device>",
        ]
    )


def xml_text(text: str) -> str:
    """Return the text escaped for use inside an XML element."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@lru_cache(maxsize=1)
def corrections() -> tuple[Correction, ...]:
    """Return the mistakes in the documented procedure that the scripts correct."""
    text = files("knowledge").joinpath("data", "drivermap_corrections.toml").read_text(encoding="utf-8")
    return tuple(Correction(**row) for row in tomllib.loads(text)["correction"])
