"""Checks what a descriptor states about its files and disks: sizes, disk formats, and data that two disks share.

Sources of the refusals: ilbers/isar#106, and ``invalid_neg_chunk``, ``no_format``, ``fileelements_samefile`` and
``dup_filerefs`` below ``Neg`` in ovf/fixtures/external of vmware/govmomi, which are test input of VMware's ovftool.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from knowledge.finding import Finding
from knowledge.ovf.descriptor import Descriptor, Disk, File
from knowledge.ovf.quoting import quoted

_LARGEST = 2**63 - 1
"""The largest size in bytes: vSphere's API has signed 64-bit numbers."""

_FORMAT = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"


def check_storage(descriptor: Descriptor) -> Iterator[Finding]:
    """Yield findings about the sizes of files, the formats of disks, and files that are used twice."""
    hrefs = set[str]()
    for file in descriptor.files:
        yield from _check_size(file)
        if file.href and file.href in hrefs:
            message = f"File {quoted(file.href)} is listed twice in References."
            yield Finding("file-twice", "warning", f"line {file.line}", message, "List it once.")
        hrefs.add(file.href)
    # With deployment options, disks of several sizes can share a file, because a VM gets only one of them.
    used = set[str]()
    for disk in descriptor.disks:
        yield from _check_format(disk)
        if disk.file_id in used and not descriptor.deployment_options:
            message = f"Disk {quoted(disk.id)} has the same file as another disk; ovftool refuses the package."
            yield Finding(
                "disk-file-twice", "warning", f"line {disk.line}", message, "Give each disk a file of its own."
            )
        used |= {disk.file_id} - {""}


def _check_size(file: File) -> Iterator[Finding]:
    where = f"line {file.line}"
    for name, stated in (("size", file.stated_size), ("chunkSize", file.stated_chunk_size)):
        if stated and not re.fullmatch(r"-?[0-9]+", stated.strip()):
            message = f"The {name} of file {quoted(file.href)} is {quoted(stated)}, which is not a number of bytes."
            yield Finding("stated-size", "error", where, message, f"Write the {name} in bytes, or remove it.")
        elif stated and not 0 <= int(stated.strip()[:20]) <= _LARGEST:
            message = f"The {name} of file {quoted(file.href)} is {quoted(stated)} bytes, which no file has."
            yield Finding("stated-size", "warning", where, message, f"Write the {name} in bytes, or remove it.")


def _check_format(disk: Disk) -> Iterator[Finding]:
    """Report a format that ESXi refuses, and one of other products; a disk without a file is created empty."""
    where, fix = f"line {disk.line}", f'Set ovf:format="{_FORMAT}" if the file is a stream-optimized VMDK.'
    if not disk.file_id:
        return
    if not disk.format:
        message = f"Disk {quoted(disk.id)} has no format, so ovftool refuses the package."
        yield Finding("disk-format", "error", where, message, fix)
    elif "vmdk" not in disk.format.lower():
        message = (
            f"Disk {quoted(disk.id)} has the format {quoted(disk.format)}; VMware's products import VMDK disks only."
        )
        yield Finding(
            "disk-format",
            "warning",
            where,
            message,
            "Convert it: qemu-img convert -O vmdk -o subformat=streamOptimized",
        )
    elif disk.format.endswith("#"):
        message = f"Disk {quoted(disk.id)} has the format {quoted(disk.format)}, which ESXi refuses."
        yield Finding("disk-format", "error", where, message, fix)
