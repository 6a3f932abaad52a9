"""Everything that a descriptor names must exist in it, and no file may lie outside the package."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import unquote

from knowledge.finding import Finding, Severity
from knowledge.ovf.descriptor import Descriptor, Device, Disk, File, place
from knowledge.ovf.quoting import quoted

_BACKING = re.compile(r"(?:ovf:)?/{0,2}(disk|file)/(.+)")


def is_remote(href: str) -> bool:
    """True when a file is fetched over the network at import."""
    return href.lower().startswith(("http://", "https://"))


def leaves_package(name: str) -> bool:
    """True when a name is absolute, has a scheme or a drive letter, or climbs with ``..``, escaped or not."""
    path = unquote(unquote(name)).replace("\\", "/")
    return path.startswith("/") or ".." in path.split("/") or bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", path))


def check_references(descriptor: Descriptor) -> Iterator[Finding]:
    """Yield every reference that leads nowhere, outside, or to two things."""
    yield from _check_files(descriptor.files)
    yield from _check_disks(descriptor)
    yield from _check_devices(descriptor)
    yield from _check_unused(descriptor)


def _check_files(files: tuple[File, ...]) -> Iterator[Finding]:
    yield from _twice("file-id-twice", [(file.id, file.line) for file in files])
    for file in files:
        if not file.href:
            yield _finding("href-missing", file.line, "A File has no href.", "Name the file it stands for.")
        elif is_remote(file.href):
            yield Finding(
                rule="href-remote",
                severity="info",
                where=f"line {file.line}",
                message=f"{quoted(file.href)} is fetched over the network at import; it was not checked.",
                fix="Ship the file in the package, so that the manifest covers it.",
            )
        elif leaves_package(file.href):
            yield _finding(
                "href-outside",
                file.line,
                f"{quoted(file.href)} lies outside the package; it was not opened.",
                "Put the file beside the descriptor and name it without a path.",
            )


def _check_disks(descriptor: Descriptor) -> Iterator[Finding]:
    yield from _twice("disk-id-twice", [(disk.id, disk.line) for disk in descriptor.disks])
    known = {file.id for file in descriptor.files}
    disks = {disk.id for disk in descriptor.disks}
    for disk in descriptor.disks:
        if disk.file_id and disk.file_id not in known:
            yield _finding(
                "disk-file-unknown",
                disk.line,
                f"Disk {quoted(disk.id)} is in file {quoted(disk.file_id)}, which References does not list.",
                "Add the File, or name the id of one that is listed.",
            )
        if disk.parent_id and disk.parent_id not in disks:
            yield _finding(
                "disk-parent-unknown",
                disk.line,
                f"Disk {quoted(disk.id)} builds on disk {quoted(disk.parent_id)}, which is not listed.",
                "Export the VM without snapshots, or bring the parent disk along.",
            )
        yield from _check_capacity(disk)


def _check_capacity(disk: Disk) -> Iterator[Finding]:
    if not disk.stated_capacity:
        message = f"Disk {quoted(disk.id)} has no capacity."
        yield _finding("disk-capacity", disk.line, message, "State the capacity in bytes.")
    elif disk.capacity is None and not re.fullmatch(r"\$\{[^}]+\}", disk.stated_capacity):
        message = f"Disk {quoted(disk.id)} has capacity {quoted(disk.stated_capacity)}, which is no number."
        yield _finding("disk-capacity", disk.line, message, "State the capacity in bytes.")
    elif disk.capacity is not None and disk.populated is not None and disk.populated > disk.capacity:
        yield Finding(
            rule="disk-populated",
            severity="warning",
            where=f"line {disk.line}",
            message=f"Disk {quoted(disk.id)} holds {disk.populated} bytes, more than its capacity {disk.capacity}.",
            fix="Check the unit of the capacity (capacityAllocationUnits).",
        )


def _check_devices(descriptor: Descriptor) -> Iterator[Finding]:
    known = {"disk": {disk.id for disk in descriptor.disks}, "file": {file.id for file in descriptor.files}}
    networks = set(descriptor.networks)
    for machine in descriptor.machines:
        for device in machine.devices:
            for backing in device.backing:
                yield from _check_backing(device, backing, known)
            for connection in device.connections:
                if connection not in networks:
                    yield Finding(
                        rule="network-unknown",
                        severity="error",
                        where=place(device),
                        message=f"Network {quoted(connection)} is not in NetworkSection.",
                        fix="Add the network there, or name one that is listed.",
                    )


def _check_backing(device: Device, backing: str, known: dict[str, set[str]]) -> Iterator[Finding]:
    found = _BACKING.fullmatch(backing)
    if found and found[2] not in known[found[1]]:
        yield Finding(
            rule=f"{found[1]}-unknown",
            severity="error",
            where=place(device),
            message=f"HostResource {quoted(backing)} names a {found[1]} that the descriptor does not list.",
            fix="Name the id of a listed one.",
        )


def _check_unused(descriptor: Descriptor) -> Iterator[Finding]:
    named = [
        found.groups()
        for machine in descriptor.machines
        for device in machine.devices
        for backing in device.backing
        if (found := _BACKING.fullmatch(backing))
    ]
    parents = {disk.parent_id for disk in descriptor.disks}
    for disk in descriptor.disks:
        if ("disk", disk.id) not in named and disk.id not in parents:
            message = f"Disk {quoted(disk.id)} belongs to no VM."
            yield _finding("disk-unused", disk.line, message, "Attach it to a VM or leave it out.", warning=True)
    used = descriptor.used_files | {name for kind, name in named if kind == "file"}
    for file in descriptor.files:
        if file.id not in used:
            message = f"File {quoted(file.href)} is used by nothing in the descriptor."
            yield Finding(
                rule="file-unused",
                severity="info",
                where=f"line {file.line}",
                message=message,
                fix="Leave the file out.",
            )


def _twice(rule: str, ids: list[tuple[str, int]]) -> Iterator[Finding]:
    count = Counter(name for name, _ in ids)
    for name, line in {name: line for name, line in ids if count[name] > 1 or not name}.items():
        message = f"The id {quoted(name)} is used {count[name]} times." if name else "An id is missing."
        yield _finding(rule, line, message, "Give each one an id of its own.")


def _finding(rule: str, line: int, message: str, fix: str, *, warning: bool = False) -> Finding:
    severity: Severity = "warning" if warning else "error"
    return Finding(rule=rule, severity=severity, where=f"line {line}", message=message, fix=fix)
