"""Parses the VMs of an OVF descriptor: their virtual hardware with its devices, and VMware's own settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.ovf.quoting import quoted
from knowledge.ovf.xml import Element

OVF_2_ITEMS = frozenset({"StorageItem", "EthernetPortItem"})
"""The items that OVF 2 has in place of Item for disks and network cards."""

_ITEMS = OVF_2_ITEMS | {"Item"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """One Item of the virtual hardware; ``type`` is CIM's ResourceType."""

    line: int
    id: str
    type: int | None
    subtype: str
    name: str
    parent: str
    address: str
    """AddressOnParent: the unit of a disk on its controller."""
    bus: str
    """Address: the number of a controller's bus."""
    connected: bool | None
    """AutomaticAllocation: connected at power-on; None when the descriptor does not state it."""
    backing: tuple[str, ...]
    connections: tuple[str, ...]
    configurations: tuple[str, ...]
    """The deployment options that the device is for; empty when it is for all of them."""
    misplaced: str
    """The first child element that is not in alphabetical order, as OVF 1 requires; empty when all are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """One VM of the package."""

    line: int
    id: str
    name: str
    """The name for people; the id when there is no Name."""
    devices: tuple[Device, ...]
    settings: tuple[tuple[str, str], ...]
    """VMware's own Config and ExtraConfig entries, key and value."""
    has_hardware: bool
    """Whether it has a VirtualHardwareSection."""
    families: tuple[tuple[int, str], ...]
    """The line and text of each VirtualSystemType: a list of hardware families such as ``vmx-13 vmx-14``."""


def place(device: Device) -> str:
    """Return the position of a device in the descriptor, for a finding."""
    return f"line {device.line} ({quoted(device.name)})" if device.name else f"line {device.line}"


def read_machine(element: Element) -> Machine:
    """Parse a VirtualSystem; missing parts remain empty, so that the linter can report them."""
    elements = list(element.walk())
    pairs = [entry.attributes for entry in elements if entry.name in {"Config", "ExtraConfig"}]
    sections = [entry for entry in elements if kind(entry) == "VirtualHardwareSection"]
    identity = element.attributes.get("id", "")
    return Machine(
        line=element.line,
        id=identity,
        name=next((child.text for child in element.children if child.name == "Name" and child.text), identity),
        devices=tuple(_devices(sections)),
        settings=tuple((pair.get("key", ""), pair.get("value", "")) for pair in pairs),
        has_hardware=bool(sections),
        families=tuple(
            (entry.line, entry.text)
            for section in sections
            for system in section.children
            if system.name == "System"
            for entry in system.children
            if entry.name == "VirtualSystemType" and entry.text
        ),
    )


def _devices(sections: list[Element]) -> Iterator[Device]:
    for item in (child for section in sections for child in section.children):
        # An Item with a bound states a range for another Item and is not a device.
        if item.name in _ITEMS and item.attributes.get("bound", "normal") == "normal":
            yield _device(item)


def _device(item: Element) -> Device:
    values: dict[str, list[str]] = {}
    for child in item.children:
        values.setdefault(child.name.lower(), []).append(child.text)

    def first(name: str) -> str:
        return values.get(name, [""])[0]

    stated = first("automaticallocation").lower()
    return Device(
        line=item.line,
        id=first("instanceid"),
        type=number(first("resourcetype")),
        subtype=first("resourcesubtype").lower(),
        name=first("elementname") or first("caption") or first("description"),
        parent=first("parent"),
        address=first("addressonparent"),
        bus=first("address"),
        connected={"true": True, "1": True, "false": False, "0": False}.get(stated),
        backing=tuple(text for text in values.get("hostresource", []) if text),
        connections=tuple(text for text in values.get("connection", []) if text),
        configurations=tuple(dict.fromkeys(item.attributes.get("configuration", "").split())),
        misplaced=_misplaced(item),
    )


def _misplaced(item: Element) -> str:
    """Return the first child out of order; the items of OVF 0.9 have no order."""
    if not item.namespace.endswith("/envelope/1"):
        return ""
    names = [child.name for child in item.children if child.namespace.endswith("CIM_ResourceAllocationSettingData")]
    return next((name for name, before in zip(names[1:], names, strict=False) if name < before), "")


def kind(element: Element) -> str:
    """Return the name of an element in OVF 1; version 0.9 has ``<Content xsi:type="ovf:VirtualSystem_Type">``."""
    if element.name in {"Content", "Section"}:
        return element.attributes.get("type", "").rpartition(":")[2].removesuffix("_Type")
    return element.name


def number(text: str) -> int | None:
    """Parse a plain whole number of at most 20 digits; return None for other text, such as ``${disk.size}``."""
    return int(text) if re.fullmatch(r"[0-9]{1,20}", text.strip()) else None
