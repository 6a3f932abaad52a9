"""What a descriptor from outside describes, and whether one VM can be made of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from urllib.parse import unquote

from knowledge.finding import Finding
from knowledge.ovf.contents import check_contents
from knowledge.ovf.descriptor import Descriptor, File, is_envelope, read_descriptor
from knowledge.ovf.machines import Device
from knowledge.ovf.package import Package
from knowledge.ovf.quoting import quoted
from knowledge.ovf.references import check_references, is_remote
from knowledge.ovf.xml import XmlRefused, parse
from service.api.words import counted
from service.errors import PackageRefused

DISK = 17
"""CIM's ResourceType of a virtual disk."""
IDE, SCSI, OTHER_STORAGE = 5, 6, 20
"""CIM's ResourceTypes of disk controllers; VMware writes SATA and NVMe controllers as the last one."""
MOST_SHOWN = 5
"""Problems that are shown in full; the others are counted."""
TOLERATED = frozenset({"disk-capacity-differs"})
"""Findings that do not mean damage: vCenter writes the VM's capacity into the descriptor, the disk contains its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedFile:
    """A file that a descriptor lists: its `href`, and its bytes where the descriptor has them."""

    href: str
    size: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageDisk:
    """A disk of the VM that a descriptor describes; `number` counts from 1 in the order of the descriptor."""

    number: int
    file: str
    """The `href` of its file."""
    place: str
    """Its controller and unit, such as `scsi0:1`; empty when the descriptor does not state them."""
    capacity: int
    """Bytes; 0 when the descriptor does not state them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """What the service needs to know of a package that one VM can be made of."""

    vm: str
    """The name of the VM."""
    networks: list[str]
    capacities: list[int] | None
    """Bytes of each disk that the VM gets, in ascending order; None when the descriptor does not specify them."""
    has_licence: bool
    """Whether importing it accepts a licence."""
    files: list[ListedFile]
    disks: list[PackageDisk]
    """The disks that have a file."""


def outline(descriptor: Descriptor) -> Outline:
    """The outline of a descriptor that `parse_deployable` accepts."""
    return Outline(
        vm=descriptor.machines[0].name,
        networks=list(descriptor.networks),
        capacities=_capacities(descriptor),
        has_licence=descriptor.has_licence,
        files=[ListedFile(href=file.href, size=file.size) for file in descriptor.files],
        disks=_disks(descriptor),
    )


def parse_descriptor(name: str, data: bytes) -> Descriptor:
    """The descriptor `name` with the content `data`, whatever else is wrong in it; raises PackageRefused."""
    try:
        root = parse(data)
    except XmlRefused as refused:
        raise PackageRefused(f"The descriptor {name} cannot be read: {refused.message}") from refused
    if not is_envelope(root):
        raise PackageRefused(f"{name} is not an OVF descriptor: its root element is {quoted(root.name)}.")
    return read_descriptor(root)


def parse_deployable(name: str, data: bytes) -> Descriptor:
    """The same for a package that one VM can be made of; raises PackageRefused when that is not possible."""
    descriptor = parse_descriptor(name, data)
    problems = errors_among(check_references(descriptor))
    if len(descriptor.machines) != 1:
        number = counted(len(descriptor.machines), "VM")
        problems.append(f"It describes {number}; only a package with exactly one VM can be imported.")
    for file in descriptor.files:
        problems += _why_not_deployable(file)
    refuse_if_any(problems)
    return descriptor


def without_capacities(descriptor: Descriptor, digested: Collection[str]) -> tuple[Descriptor, list[str]]:
    """The descriptor without sizes of files that are capacities of disks, and a sentence for each of them.

    govc writes the capacity of the VM as the size of each file (`ovf:size`), and imports such a package itself. A file
    whose name (`href`) is in `digested` is compared with its digest while it is sent, so its size is not needed. Any
    other size that differs from the file's still means damage.
    """
    capacities = [disk.capacity for disk in descriptor.disks if disk.capacity]
    known = {*capacities, sum(capacities)}
    files, notes = [], []
    for file in descriptor.files:
        if file.href in digested and file.size in known and not file.chunk_size:
            notes.append(
                f"The descriptor states the capacity of a disk, {file.size} bytes, as the size of {quoted(file.href)}. "
                "Its digest in the manifest is compared instead."
            )
            file = replace(file, size=None)
        files.append(file)
    return replace(descriptor, files=tuple(files)), notes


def check_files(
    descriptor: Descriptor, package: Package, elsewhere: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """Check references and files; returns the problems, and the notes that do not prevent an import.

    The files whose names are in `elsewhere` are not looked for: a store has them.
    """
    files = (file for file in descriptor.files if not {file.href, unquote(file.href)} & {*elsewhere})
    found = [*check_references(descriptor), *check_contents(package, replace(descriptor, files=tuple(files)))]
    return errors_among(found), [in_words(each) for each in found if each.rule in TOLERATED]


def errors_among(findings: Iterable[Finding]) -> list[str]:
    """The findings that prevent an import, in words."""
    return [in_words(each) for each in findings if each.severity == "error" and each.rule not in TOLERATED]


def in_words(finding: Finding) -> str:
    """A finding in words."""
    return f"Descriptor, {finding.where}: {finding.message}"


def refuse_if_any(problems: Iterable[str]) -> None:
    """Raise PackageRefused with the problems, if there are any."""
    different = list(dict.fromkeys(problems))
    more = len(different) - MOST_SHOWN
    if different:
        raise PackageRefused(" ".join(different[:MOST_SHOWN]) + (f" And {more} more." if more > 0 else ""))


def _capacities(descriptor: Descriptor) -> list[int] | None:
    devices = [device for machine in descriptor.machines for device in machine.devices if device.type == DISK]
    disks = {disk.id: disk.capacity for disk in descriptor.disks}
    found = []
    for device in devices:
        capacity = disks.get(device.backing[0].rpartition("/")[2]) if device.backing else None
        if capacity is None or device.configurations:
            return None
        found.append(capacity)
    return sorted(found)


def _disks(descriptor: Descriptor) -> list[PackageDisk]:
    devices = [device for machine in descriptor.machines for device in machine.devices]
    controllers = {device.id: device for device in devices}
    disks = {disk.id: disk for disk in descriptor.disks}
    hrefs = {file.id: file.href for file in descriptor.files}
    found: list[PackageDisk] = []
    for device in devices:
        disk = disks.get(device.backing[0].rpartition("/")[2]) if device.type == DISK and device.backing else None
        if disk is None or disk.file_id not in hrefs:
            continue
        file, capacity = hrefs[disk.file_id], disk.capacity or 0
        place = _place(controllers.get(device.parent), device.address)
        found.append(PackageDisk(number=len(found) + 1, file=file, place=place, capacity=capacity))
    return found


def _place(controller: Device | None, unit: str) -> str:
    if controller is None or not (controller.bus.isdecimal() and unit.isdecimal()):
        return ""
    other = "nvme" if "nvme" in controller.subtype else "sata" if "sata" in controller.subtype else ""
    family = {IDE: "ide", SCSI: "scsi", OTHER_STORAGE: other}.get(controller.type or 0, "")
    return f"{family}{int(controller.bus)}:{int(unit)}" if family else ""


def _why_not_deployable(file: File) -> Iterable[str]:
    name = quoted(file.href)
    if is_remote(file.href):
        yield f"{name} would have to be fetched from another place. Put it beside the descriptor."
    elif "/" in unquote(unquote(file.href)):
        yield f"{name} is not beside the descriptor. Put it there, and refer to it without a path."
    if file.compression not in ("", "identity"):
        yield f"{name} is compressed ({quoted(file.compression)}). Unpack it first."
    if file.chunk_size:
        yield f"{name} is split into chunks (chunkSize). Join them first."
