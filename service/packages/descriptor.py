"""What a descriptor that came from outside says, and whether one VM can be made of it."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from knowledge.finding import Finding
from knowledge.ovf.contents import check_contents
from knowledge.ovf.descriptor import Descriptor, File, is_envelope, read_descriptor
from knowledge.ovf.package import Package
from knowledge.ovf.quoting import quoted
from knowledge.ovf.references import check_references, is_remote
from knowledge.ovf.xml import XmlRefused, parse
from service.errors import PackageRefused

MOST_SAID = 5
"""Problems that are told in full; the others are counted."""
TOLERATED = frozenset({"disk-capacity-differs"})
"""Findings that do not say that a file was harmed: vCenter states the VM's capacity, the disk its own."""


def parse_descriptor(name: str, data: bytes) -> Descriptor:
    """The descriptor `name` with the content `data`, whatever may be wrong in it; raises PackageRefused."""
    try:
        root = parse(data)
    except XmlRefused as refused:
        raise PackageRefused(f"The descriptor {name} cannot be read: {refused.message}") from refused
    if not is_envelope(root):
        raise PackageRefused(f"{name} is no OVF descriptor: it begins with {quoted(root.name)}.")
    return read_descriptor(root)


def understand(name: str, data: bytes) -> Descriptor:
    """The same, of a package that one VM can be made of; raises PackageRefused when it cannot."""
    descriptor = parse_descriptor(name, data)
    problems = errors_among(check_references(descriptor))
    if len(descriptor.machines) != 1:
        problems.append(f"It describes {len(descriptor.machines)} VMs; a package with exactly one can be imported.")
    for file in descriptor.files:
        problems += _why_not(file)
    refuse(problems)
    return descriptor


def check_files(descriptor: Descriptor, package: Package) -> tuple[list[str], list[str]]:
    """What is wrong with the references and the files, and what is only worth knowing."""
    found = [*check_references(descriptor), *check_contents(package, descriptor)]
    return errors_among(found), [said(each) for each in found if each.rule in TOLERATED]


def errors_among(findings: Iterable[Finding]) -> list[str]:
    """Those findings that speak against the package, in words."""
    return [said(each) for each in findings if each.severity == "error" and each.rule not in TOLERATED]


def said(found: Finding) -> str:
    """A finding in words."""
    return f"Descriptor, {found.where}: {found.message}"


def refuse(problems: Iterable[str]) -> None:
    """Raise PackageRefused with the problems, if there are any."""
    told = list(dict.fromkeys(problems))
    more = f" And {len(told) - MOST_SAID} more." if len(told) > MOST_SAID else ""
    if told:
        raise PackageRefused(" ".join(told[:MOST_SAID]) + more)


def _why_not(file: File) -> Iterable[str]:
    name = quoted(file.href)
    if is_remote(file.href):
        yield f"{name} would be fetched from elsewhere. Put it beside the descriptor."
    elif "/" in unquote(unquote(file.href)):
        yield f"{name} is not beside the descriptor. Put it there, and name it without a path."
    if file.compression not in ("", "identity"):
        yield f"{name} is compressed ({quoted(file.compression)}). Unpack it first."
    if file.chunk_size:
        yield f"{name} is cut into pieces (chunkSize). Join them first."
