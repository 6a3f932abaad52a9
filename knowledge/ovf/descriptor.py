"""Reads an OVF descriptor (versions 0.9 to 2) into files, disks, networks and VMs with their devices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.ovf.quoting import quoted
from knowledge.ovf.xml import Element

_LEGACY_UNITS = {"byte": 1, "bytes": 1, "kilobytes": 1024, "megabytes": 1024**2, "gigabytes": 1024**3}


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """One file that the package brings: a disk image, an ISO, a message bundle."""

    line: int
    id: str
    href: str
    size: int | None
    """Bytes, when stated."""
    compression: str
    chunk_size: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Disk:
    """One virtual disk; without ``file_id`` it is created empty."""

    line: int
    id: str
    file_id: str
    parent_id: str
    """The disk whose changes this one holds; empty for most."""
    stated_capacity: str
    capacity: int | None
    """Bytes, when it is stated as a number."""
    unit: int
    """Bytes of the unit in which the capacity is stated."""
    populated: int | None
    format: str


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
    connected: bool | None
    """AutomaticAllocation: connected at power-on; None when the descriptor does not say."""
    backing: tuple[str, ...]
    connections: tuple[str, ...]
    configuration: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """One VM of the package."""

    line: int
    id: str
    name: str
    """What people call it; its id when it has no Name."""
    devices: tuple[Device, ...]
    settings: tuple[tuple[str, str], ...]
    """VMware's own Config and ExtraConfig entries, key and value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Descriptor:
    """All that the lint looks at."""

    files: tuple[File, ...]
    disks: tuple[Disk, ...]
    networks: tuple[str, ...]
    machines: tuple[Machine, ...]
    used_files: frozenset[str]
    """Ids of files that disks, icons or message bundles name."""
    has_licence: bool
    """Whether a licence text (EulaSection) is in it, which whoever imports the package accepts."""


def place(device: Device) -> str:
    """Say where a device stands in the descriptor."""
    return f"line {device.line} ({quoted(device.name)})" if device.name else f"line {device.line}"


def is_envelope(root: Element) -> bool:
    """True when the document is an OVF descriptor at all."""
    return root.name == "Envelope"


def read_descriptor(root: Element) -> Descriptor:
    """Read an Envelope; what is missing stays empty, so that the lint can say so."""
    elements = list(root.walk())
    return Descriptor(
        files=tuple(_file(element) for element in elements if element.name == "File"),
        disks=tuple(_disk(element) for element in elements if element.name == "Disk"),
        networks=tuple(element.attributes.get("name", "") for element in elements if element.name == "Network"),
        machines=tuple(_machine(element) for element in _systems(root)),
        used_files=frozenset(element.attributes.get("fileRef", "") for element in elements),
        has_licence=any(_kind(element) == "EulaSection" for element in elements),
    )


def _systems(root: Element) -> Iterator[Element]:
    """Yield the VMs, those in collections too; one inside another is not OVF, and would be read once for each."""
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if _kind(element) == "VirtualSystem":
            yield element
        else:
            waiting.extend(reversed(element.children))


def _kind(element: Element) -> str:
    """Name an element as OVF 1 does: 0.9 writes ``<Content xsi:type="ovf:VirtualSystem_Type">``, sections too."""
    if element.name in {"Content", "Section"}:
        return element.attributes.get("type", "").rpartition(":")[2].removesuffix("_Type")
    return element.name


def _file(element: Element) -> File:
    attributes = element.attributes
    return File(
        line=element.line,
        id=attributes.get("id", ""),
        href=attributes.get("href", ""),
        size=_number(attributes.get("size", "")),
        compression=attributes.get("compression", ""),
        chunk_size=_number(attributes.get("chunkSize", "")),
    )


def _disk(element: Element) -> Disk:
    attributes = element.attributes
    unit = _unit(attributes.get("capacityAllocationUnits", "byte"))
    capacity = _number(attributes.get("capacity", ""))
    return Disk(
        line=element.line,
        id=attributes.get("diskId", ""),
        file_id=attributes.get("fileRef", ""),
        parent_id=attributes.get("parentRef", ""),
        stated_capacity=attributes.get("capacity", ""),
        capacity=None if capacity is None else capacity * unit,
        unit=unit,
        populated=_number(attributes.get("populatedSize", "")),
        format=attributes.get("format", ""),
    )


def _machine(element: Element) -> Machine:
    below = list(element.walk())
    pairs = [entry.attributes for entry in below if entry.name in {"Config", "ExtraConfig"}]
    identity = element.attributes.get("id", "")
    return Machine(
        line=element.line,
        id=identity,
        name=next((child.text for child in element.children if child.name == "Name" and child.text), identity),
        devices=tuple(_devices(below)),
        settings=tuple((pair.get("key", ""), pair.get("value", "")) for pair in pairs),
    )


def _devices(elements: list[Element]) -> Iterator[Device]:
    sections = [element for element in elements if _kind(element) == "VirtualHardwareSection"]
    for item in (child for section in sections for child in section.children):
        # An Item with a bound states the range of another one; it is no device.
        is_item = item.name in {"Item", "StorageItem", "EthernetPortItem"}
        if is_item and item.attributes.get("bound", "normal") == "normal":
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
        type=_number(first("resourcetype")),
        subtype=first("resourcesubtype").lower(),
        name=first("elementname") or first("caption") or first("description"),
        parent=first("parent"),
        address=first("addressonparent"),
        connected={"true": True, "1": True, "false": False, "0": False}.get(stated),
        backing=tuple(text for text in values.get("hostresource", []) if text),
        connections=tuple(text for text in values.get("connection", []) if text),
        configuration=item.attributes.get("configuration", ""),
    )


def _number(text: str) -> int | None:
    """Read a plain whole number of a sensible length; anything else, such as ``${disk.size}``, is None."""
    return int(text) if re.fullmatch(r"[0-9]{1,20}", text.strip()) else None


def _unit(text: str) -> int:
    """Read ``byte * 2^30`` and the older ``GigaBytes``; what cannot be read counts as one byte."""
    power = re.fullmatch(r"byte\s*\*\s*(2|10)\s*\^\s*([0-9]{1,2})", text.strip())
    if power:
        unit: int = int(power[1]) ** int(power[2])
        return unit
    return _LEGACY_UNITS.get(text.strip().lower(), 1)
