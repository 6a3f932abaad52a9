"""Parses an OVF descriptor (versions 0.9 to 2) to files, disks, networks and VMs with their devices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.ovf.quoting import quoted
from knowledge.ovf.xml import Element

BACKING = re.compile(r"(?:ovf:)?/{0,2}(disk|file)/(.+)")
"""A reference to a disk or file of the package, such as ``ovf:/disk/vmdisk1``."""

NOT_COMPRESSED = frozenset({"", "identity"})
"""The values of a file's compression that mean that it is stored as it is."""

_OVF_2_ITEMS = frozenset({"StorageItem", "EthernetPortItem"})
_ITEMS = _OVF_2_ITEMS | {"Item"}
_LEGACY_UNITS = {"byte": 1, "bytes": 1, "kilobytes": 1024, "megabytes": 1024**2, "gigabytes": 1024**3}


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """One file of the package: a disk image, an ISO, a message bundle."""

    line: int
    id: str
    href: str
    size: int | None
    """Bytes; None when the descriptor does not state it."""
    compression: str
    chunk_size: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Disk:
    """One virtual disk; without ``file_id`` it is created empty."""

    line: int
    id: str
    file_id: str
    parent_id: str
    """The disk that this one is a delta of; empty for most."""
    stated_capacity: str
    capacity: int | None
    """Bytes; None when the descriptor does not state a number."""
    unit: int
    """Bytes in one unit of the stated capacity."""
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Descriptor:
    """The parts of a descriptor that the linter checks."""

    files: tuple[File, ...]
    disks: tuple[Disk, ...]
    networks: tuple[str, ...]
    machines: tuple[Machine, ...]
    used_files: frozenset[str]
    """Ids of files that disks, icons, message bundles or settings such as nvram refer to."""
    has_licence: bool
    """Whether it has a license text (EulaSection), which a person accepts when importing the package."""
    has_collection: bool
    """Whether it has a VirtualSystemCollection (a vApp), which may be empty."""
    deployment_options: frozenset[str]
    """The ids of the configurations in DeploymentOptionSection, of which one is chosen at import."""
    ovf_2_parts: tuple[str, ...]
    """What makes it OVF 2: ``StorageItem``, ``EthernetPortItem``, or the namespace envelope/2."""


def place(device: Device) -> str:
    """Return the position of a device in the descriptor, for a finding."""
    return f"line {device.line} ({quoted(device.name)})" if device.name else f"line {device.line}"


def is_envelope(root: Element) -> bool:
    """Return whether the document is an OVF descriptor."""
    return root.name == "Envelope"


def read_descriptor(root: Element) -> Descriptor:
    """Parse an Envelope; missing parts remain empty, so that the linter can report them."""
    elements = list(root.walk())
    return Descriptor(
        files=tuple(_file(element) for element in elements if element.name == "File"),
        disks=tuple(_disk(element) for element in elements if element.name == "Disk"),
        networks=tuple(element.attributes.get("name", "") for element in elements if element.name == "Network"),
        machines=tuple(_machine(element) for element in _systems(root)),
        used_files=frozenset(_used_files(elements)),
        has_licence=any(_kind(element) == "EulaSection" for element in elements),
        has_collection=any(_kind(element) == "VirtualSystemCollection" for element in elements),
        deployment_options=frozenset(_deployment_options(elements)),
        ovf_2_parts=tuple(_ovf_2_parts(root, elements)),
    )


def _used_files(elements: list[Element]) -> Iterator[str]:
    for element in elements:
        yield element.attributes.get("fileRef", "")
        if element.name in {"Config", "ExtraConfig"}:
            value = element.attributes.get("value", "")
            if (found := BACKING.fullmatch(value)) and found[1] == "file":
                yield found[2]


def _deployment_options(elements: list[Element]) -> Iterator[str]:
    for section in elements:
        if _kind(section) == "DeploymentOptionSection":
            yield from (child.attributes.get("id", "") for child in section.children if child.name == "Configuration")


def _ovf_2_parts(root: Element, elements: list[Element]) -> Iterator[str]:
    if root.namespace.endswith("/envelope/2"):
        yield "the namespace envelope/2"
    names = {element.name for element in elements if not element.namespace or "envelope" in element.namespace}
    yield from sorted(names & _OVF_2_ITEMS)


def _systems(root: Element) -> Iterator[Element]:
    """Yield the VMs, also those in collections, but not one inside another, which OVF does not allow."""
    pending = [root]
    while pending:
        element = pending.pop()
        if _kind(element) == "VirtualSystem":
            yield element
        else:
            pending.extend(reversed(element.children))


def _kind(element: Element) -> str:
    """Return the name of an element in OVF 1; version 0.9 has ``<Content xsi:type="ovf:VirtualSystem_Type">``."""
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
    elements = list(element.walk())
    pairs = [entry.attributes for entry in elements if entry.name in {"Config", "ExtraConfig"}]
    sections = [entry for entry in elements if _kind(entry) == "VirtualHardwareSection"]
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
        type=_number(first("resourcetype")),
        subtype=first("resourcesubtype").lower(),
        name=first("elementname") or first("caption") or first("description"),
        parent=first("parent"),
        address=first("addressonparent"),
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


def _number(text: str) -> int | None:
    """Parse a plain whole number of at most 20 digits; return None for other text, such as ``${disk.size}``."""
    return int(text) if re.fullmatch(r"[0-9]{1,20}", text.strip()) else None


def _unit(text: str) -> int:
    """Parse ``byte * 2^30`` or the older ``GigaBytes`` to a number of bytes; an unknown unit is 1."""
    power = re.fullmatch(r"byte\s*\*\s*(2|10)\s*\^\s*([0-9]{1,2})", text.strip())
    if power:
        unit: int = int(power[1]) ** int(power[2])
        return unit
    return _LEGACY_UNITS.get(text.strip().lower(), 1)
