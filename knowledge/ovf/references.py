"""Checks that everything that a descriptor refers to exists in it, and that no file is outside the package."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import unquote

from knowledge.finding import Finding
from knowledge.ovf.descriptor import BACKING, Descriptor, Disk, File
from knowledge.ovf.machines import Device, place
from knowledge.ovf.quoting import quoted
from knowledge.ovf.unused import check_unused


def is_remote(href: str) -> bool:
    """Return whether a file is downloaded over the network at import."""
    return href.lower().startswith(("http://", "https://"))


def leaves_package(name: str) -> bool:
    """Return whether a name points outside the package.

    It does when it is absolute, has a scheme or a drive letter, or contains ``..`` as a folder, URL-encoded or not.
    """
    path = unquote(unquote(name)).replace("\\", "/")
    return path.startswith("/") or ".." in path.split("/") or bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", path))


def check_references(descriptor: Descriptor) -> Iterator[Finding]:
    """Yield a finding for every reference that has no target, an outside target, or two targets."""
    yield from _check_files(descriptor.files)
    yield from _check_disks(descriptor)
    yield from _check_devices(descriptor)
    yield from check_unused(descriptor)


def _check_files(files: tuple[File, ...]) -> Iterator[Finding]:
    yield from _duplicate_ids("file-id-twice", [(file.id, file.line) for file in files])
    for file in files:
        if not file.href:
            yield _finding("href-missing", file.line, "A File has no href.", "Add the name of the file.")
        elif is_remote(file.href):
            yield Finding(
                rule="href-remote",
                severity="info",
                where=f"line {file.line}",
                message=f"{quoted(file.href)} is downloaded over the network at import; it was not checked.",
                fix="Include the file in the package, so that the manifest covers it.",
            )
        elif leaves_package(file.href):
            yield _finding(
                "href-outside",
                file.line,
                f"{quoted(file.href)} is outside the package; it was not opened.",
                "Put the file in the folder of the descriptor, and write its name without a path.",
            )


def _check_disks(descriptor: Descriptor) -> Iterator[Finding]:
    yield from _duplicate_ids("disk-id-twice", [(disk.id, disk.line) for disk in descriptor.disks])
    known = {file.id for file in descriptor.files}
    disks = {disk.id for disk in descriptor.disks}
    for disk in descriptor.disks:
        if disk.file_id and disk.file_id not in known:
            yield _finding(
                "disk-file-unknown",
                disk.line,
                f"Disk {quoted(disk.id)} is in file {quoted(disk.file_id)}, which References does not list.",
                "Add the File, or use the id of a listed one.",
            )
        if disk.parent_id and disk.parent_id not in disks:
            yield _finding(
                "disk-parent-unknown",
                disk.line,
                f"Disk {quoted(disk.id)} is based on disk {quoted(disk.parent_id)}, which is not listed.",
                "Export the VM without snapshots, or include the parent disk.",
            )
        yield from _check_capacity(disk)


def _check_capacity(disk: Disk) -> Iterator[Finding]:
    if not disk.stated_capacity:
        message = f"Disk {quoted(disk.id)} has no capacity."
        yield _finding("disk-capacity", disk.line, message, "Set the capacity in bytes.")
    elif disk.capacity is None and not re.fullmatch(r"\$\{[^}]+\}", disk.stated_capacity):
        message = f"Disk {quoted(disk.id)} has capacity {quoted(disk.stated_capacity)}, which is not a number."
        yield _finding("disk-capacity", disk.line, message, "Set the capacity in bytes.")
    elif disk.capacity is not None and disk.populated is not None and disk.populated > disk.capacity:
        yield Finding(
            rule="disk-populated",
            severity="warning",
            where=f"line {disk.line}",
            message=f"Disk {quoted(disk.id)} contains {disk.populated} bytes, more than its capacity {disk.capacity}.",
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
                        fix="Add the network there, or use a listed one.",
                    )


def _check_backing(device: Device, backing: str, known: dict[str, set[str]]) -> Iterator[Finding]:
    found = BACKING.fullmatch(backing)
    if found and found[2] not in known[found[1]]:
        yield Finding(
            rule=f"{found[1]}-unknown",
            severity="error",
            where=place(device),
            message=f"HostResource {quoted(backing)} refers to a {found[1]} that the descriptor does not list.",
            fix="Use the id of a listed one.",
        )


def _duplicate_ids(rule: str, ids: list[tuple[str, int]]) -> Iterator[Finding]:
    count = Counter(name for name, _ in ids)
    for name, line in {name: line for name, line in ids if count[name] > 1 or not name}.items():
        message = f"The id {quoted(name)} is used {count[name]} times." if name else "An id is missing."
        yield _finding(rule, line, message, "Give each one a unique id.")


def _finding(rule: str, line: int, message: str, fix: str) -> Finding:
    return Finding(rule=rule, severity="error", where=f"line {line}", message=message, fix=fix)
