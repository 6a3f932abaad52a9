"""Parses an OVF descriptor (versions 0.9 to 2) to files, disks, networks and VMs with their devices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.ovf.machines import OVF_2_ITEMS, Machine, kind, number, read_machine
from knowledge.ovf.xml import Element

BACKING = re.compile(r"(?:ovf:)?/{0,2}(disk|file)/(.+)")
"""A reference to a disk or file of the package, such as ``ovf:/disk/vmdisk1``."""

NOT_COMPRESSED = frozenset({"", "identity"})
"""The values of a file's compression that mean that it is stored as it is."""

_LEGACY_UNITS = {"byte": 1, "bytes": 1, "kilobytes": 1024, "megabytes": 1024**2, "gigabytes": 1024**3}


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """One file of the package: a disk image, an ISO, a message bundle."""

    line: int
    id: str
    href: str
    size: int | None
    """Bytes; None when the descriptor does not state it."""
    stated_size: str
    compression: str
    chunk_size: int | None
    stated_chunk_size: str


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
        machines=tuple(read_machine(element) for element in systems(root)),
        used_files=frozenset(_used_files(elements)),
        has_licence=any(kind(element) == "EulaSection" for element in elements),
        has_collection=any(kind(element) == "VirtualSystemCollection" for element in elements),
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
        if kind(section) == "DeploymentOptionSection":
            yield from (child.attributes.get("id", "") for child in section.children if child.name == "Configuration")


def _ovf_2_parts(root: Element, elements: list[Element]) -> Iterator[str]:
    if root.namespace.endswith("/envelope/2"):
        yield "the namespace envelope/2"
    names = {element.name for element in elements if not element.namespace or "envelope" in element.namespace}
    yield from sorted(names & OVF_2_ITEMS)


def systems(root: Element) -> Iterator[Element]:
    """Yield the VirtualSystem elements in ``root``, also those in collections.

    One inside another is not yielded, because OVF does not allow it.
    """
    pending = [root]
    while pending:
        element = pending.pop()
        if kind(element) == "VirtualSystem":
            yield element
        else:
            pending.extend(reversed(element.children))


def _file(element: Element) -> File:
    attributes = element.attributes
    return File(
        line=element.line,
        id=attributes.get("id", ""),
        href=attributes.get("href", ""),
        size=number(attributes.get("size", "")),
        stated_size=attributes.get("size", ""),
        compression=attributes.get("compression", ""),
        chunk_size=number(attributes.get("chunkSize", "")),
        stated_chunk_size=attributes.get("chunkSize", ""),
    )


def _disk(element: Element) -> Disk:
    attributes = element.attributes
    unit = _unit(attributes.get("capacityAllocationUnits", "byte"))
    capacity = number(attributes.get("capacity", ""))
    return Disk(
        line=element.line,
        id=attributes.get("diskId", ""),
        file_id=attributes.get("fileRef", ""),
        parent_id=attributes.get("parentRef", ""),
        stated_capacity=attributes.get("capacity", ""),
        capacity=None if capacity is None else capacity * unit,
        unit=unit,
        populated=number(attributes.get("populatedSize", "")),
        format=attributes.get("format", ""),
    )


def _unit(text: str) -> int:
    """Parse ``byte * 2^30`` or the older ``GigaBytes`` to a number of bytes; an unknown unit is 1."""
    power = re.fullmatch(r"byte\s*\*\s*(2|10)\s*\^\s*([0-9]{1,2})", text.strip())
    if power:
        unit: int = int(power[1]) ** int(power[2])
        return unit
    return _LEGACY_UNITS.get(text.strip().lower(), 1)
