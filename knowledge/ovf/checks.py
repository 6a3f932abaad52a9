"""Lints an OVF package: a descriptor alone, a folder, or an OVA. It runs the checks of all other modules."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from knowledge.file_kinds import is_vmx
from knowledge.finding import Finding, Report
from knowledge.for_people import amount
from knowledge.ovf.compatibility import check_compatibility
from knowledge.ovf.contents import check_contents, local_files
from knowledge.ovf.descriptor import is_envelope, read_descriptor
from knowledge.ovf.hardware import check_hardware
from knowledge.ovf.manifest import check_manifest
from knowledge.ovf.package import Archive, Folder, Package, PackageUnreadable, is_archive, read_whole
from knowledge.ovf.properties import check_properties
from knowledge.ovf.quoting import quoted
from knowledge.ovf.ranges import check_ranges
from knowledge.ovf.references import check_references, leaves_package
from knowledge.ovf.sections import check_sections
from knowledge.ovf.storage import check_storage
from knowledge.ovf.vmware_settings import check_vmware_settings
from knowledge.ovf.xml import LARGEST_DOCUMENT, XmlRefused, parse

IS_VMX = "This is a VMX, not an OVF descriptor."
CHECK_VMX = "Check it with `vmkops vmx lint FILE`, or over HTTP with POST /vmx/lint."
CHECK_VMX_IN_IT = "Check its VMX with `vmkops vmx lint FILE`."

_TAR_HEADER = 512
"""Bytes; enough to recognize a tar archive."""


def lint(path: str | Path) -> tuple[Finding, ...]:
    """Lint the ``.ovf`` with the files in its folder, the ``.ova``, or the folder at ``path``.

    Returns no findings for a correct package. Memory use does not depend on the size of the disks. Raises OSError.
    """
    path = Path(path)
    if path.is_dir():
        return _collected(_lint_folder(Folder(path)))
    with path.open("rb") as stream:
        if is_archive(stream.read(_TAR_HEADER)):
            stream.seek(0)
            return _collected(_lint_archive(stream))
    if path.suffix.lower() == ".ova":
        message = "The file is not a tar archive, as an OVA must be. Unpack a compressed OVA first."
        return (Finding("archive-unreadable", "error", "archive", message, "Download or export the OVA again."),)
    return _collected(_lint_package(Folder(path.parent), path.name))


def lint_bytes(data: bytes) -> tuple[Finding, ...]:
    """Lint a whole OVA, or a descriptor without its files, for which missing files are no finding."""
    if is_archive(data[:_TAR_HEADER]):
        return _collected(_lint_archive(io.BytesIO(data)))
    return _collected(_lint_descriptor(data, None, ""))


def _collected(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    report = Report()
    report.extend(findings)
    return tuple(report.findings())


def _lint_folder(folder: Folder) -> Iterator[Finding]:
    names = [name for name in folder.names() if name.lower().endswith(".ovf")]
    if not names:
        message = "There is no .ovf file in the folder."
        is_of_vm = any(name.lower().endswith(".vmx") for name in folder.names())
        fix = f"The folder is that of a VM. {CHECK_VMX_IN_IT}" if is_of_vm else "Give the folder of the package."
        yield Finding("descriptor-missing", "error", "folder", message, fix)
        return
    if len(names) > 1:
        message = f"There are {len(names)} descriptors; only {quoted(names[0])} was checked."
        yield Finding("descriptor-several", "warning", "folder", message, "Give the .ovf file itself.")
    yield from _lint_package(folder, names[0])


def _lint_archive(stream: BinaryIO) -> Iterator[Finding]:
    try:
        archive = Archive(stream)
    except PackageUnreadable as broken:
        yield Finding(broken.rule, "error", "archive", broken.message, "Download or export the OVA again.")
        return
    names = archive.names()
    for name in names:
        if leaves_package(name):
            message = f"Entry {quoted(name)} would be unpacked outside the folder."
            yield Finding("archive-path", "error", "archive", message, "Do not unpack it; export the OVA again.")
    descriptors = [name for name in names if name.lower().endswith(".ovf")]
    if not descriptors:
        message = "There is no .ovf file in the archive."
        yield Finding("descriptor-missing", "error", "archive", message, "Export the OVA again.")
        return
    if len(descriptors) > 1:
        message = f"There are {len(descriptors)} descriptors; an OVA has one."
        yield Finding("descriptor-several", "error", "archive", message, "Remove the others.")
    if names[0] != descriptors[0]:
        message = f"The archive begins with {quoted(names[0])}; the descriptor must come first."
        fix = "Pack the files again in this order: tar -cf x.ova x.ovf x.mf disk files"
        yield Finding("descriptor-not-first", "error", "archive", message, fix)
    yield from _lint_package(archive, descriptors[0])


def _lint_package(package: Package, name: str) -> Iterator[Finding]:
    data = read_whole(package, name, LARGEST_DOCUMENT)
    if data is None:
        message = f"{quoted(name)} is larger than {amount(LARGEST_DOCUMENT)}, or cannot be read."
        fix = "Check that it is a descriptor; those have some kilobytes."
        yield Finding("xml-too-large", "error", quoted(name), message, fix)
        return
    try:
        yield from _lint_descriptor(data, package, name)
    except (OSError, ValueError) as broken:
        yield Finding(
            "package-unreadable", "error", "package", f"Reading stopped: {broken}.", "Check the files and try again."
        )


def _lint_descriptor(data: bytes, package: Package | None, name: str) -> Iterator[Finding]:
    try:
        root = parse(data)
    except XmlRefused as refused:
        if is_vmx(data):
            yield Finding("not-an-ovf", "error", quoted(name) if name else "file", IS_VMX, CHECK_VMX)
            return
        where = f"line {refused.line}" if refused.line else "descriptor"
        yield Finding(refused.rule, "error", where, refused.message, "Export the VM again.")
        return
    if not is_envelope(root):
        message = f"The document begins with {quoted(root.name)} instead of Envelope, so it is not an OVF descriptor."
        yield Finding("not-an-ovf", "error", f"line {root.line}", message, "Give the .ovf file of the package.")
        return
    descriptor = read_descriptor(root)
    yield from check_sections(root)
    yield from check_references(descriptor)
    yield from check_storage(descriptor)
    yield from check_compatibility(descriptor)
    yield from check_ranges(root)
    yield from check_properties(root)
    yield from check_vmware_settings(root)
    yield from check_hardware(descriptor)
    if package:
        yield from check_contents(package, descriptor)
        yield from check_manifest(package, name, local_files(package, descriptor))
