"""Reads an OVF folder or an OVA without trusting it: which VM it describes, where its files are, what is wrong."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from knowledge.for_people import amount
from knowledge.ovf.contents import stored_name
from knowledge.ovf.manifest import LARGEST_MANIFEST, Entry, hash_name, manifest_name, read_entries
from knowledge.ovf.package import Archive, Package, PackageUnreadable, is_archive, read_whole
from knowledge.ovf.quoting import quoted
from knowledge.ovf.references import leaves_package
from knowledge.ovf.xml import LARGEST_DOCUMENT
from service.api.models import Check
from service.errors import NotFound, PackageRefused
from service.packages.descriptor import (
    Outline,
    check_files,
    outline,
    parse_deployable,
    refuse_if_any,
    without_capacities,
)
from service.transfer.safe_open import PackageFolder, safe_open
from service.transfer.source import SourceFile

GZIP = b"\x1f\x8b"
START = 512
"""Bytes by which an archive is recognized."""
CHECK_IN_THE_SHELL = (
    "Check the package with `vmkops ovf lint FILE`, which has no such limit. To import it, raise VMKOPS_PARSER_SECONDS "
    "or VMKOPS_PARSER_MEMORY."
)
"""What to do about a package that takes too much time or memory to read."""
UNREADABLE_LINE = "manifest-line"
"""The rule of a manifest line that is not a digest; other findings do not prevent the use of a digest."""


class Contents(NamedTuple):
    """A package as it was read; `algorithm` is the manifest's, such as SHA256, and empty without a manifest."""

    outline: Outline
    text: SourceFile
    files: list[SourceFile]
    algorithm: str
    checks: list[Check]


class _OpenPackage(NamedTuple):
    """An open package: `descriptor` is the name of its descriptor, `archive` the package itself when it is an OVA."""

    package: Package
    descriptor: str
    archive: Archive | None
    path: str

    def source(self, href: str, file: str, entry: Entry | None, *, disk: bool) -> SourceFile:
        return SourceFile(
            name=href,
            path=self.path if self.archive else str(PurePosixPath(self.path).with_name(file)),
            offset=self.archive.start(file) if self.archive else 0,
            size=self.package.size(file) or 0,
            algorithm=hash_name(entry.algorithm) if entry else "",
            digest=entry.digest if entry else "",
            disk=disk,
        )


def read_contents(root: str, path: str, elsewhere: list[str] | None = None) -> Contents:
    """The package whose `.ovf` or `.ova` is `path`, relative to the folder `root`; a parser process runs this.

    The files whose names are in `elsewhere` are not in the package: a store has them.

    It compares the sizes of all files and the digest of the descriptor; the upload of the disks compares their
    digests. Raises NotFound, or PackageRefused with what is wrong.
    """
    folder = Path(root)
    try:
        with safe_open(folder, path) as stream:
            return _read(_open(folder, path, stream), elsewhere or [])
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {quoted(path)} in {root}.") from error
    except OSError as error:
        raise PackageRefused(f"{quoted(path)} cannot be read: {error.strerror or error}.") from error


def refuse_compressed(start: bytes) -> None:
    """Raise PackageRefused for a package that begins as gzip data does."""
    if start.startswith(GZIP):
        raise PackageRefused("It is compressed with gzip. Unpack it first; an OVA is an uncompressed tar archive.")


def refuse_unless_descriptor(first: str) -> None:
    """Raise PackageRefused when an archive does not begin with its descriptor, as the standard (DSP0243) requires."""
    if not first.lower().endswith(".ovf"):
        raise PackageRefused(
            f"The archive begins with {quoted(first)}, but the descriptor has to come first. "
            "Pack it again in this order: tar -cf x.ova x.ovf x.mf, then the disks."
        )


def _open(root: Path, path: str, stream: BinaryIO) -> _OpenPackage:
    start = stream.read(START)
    refuse_compressed(start)
    name = PurePosixPath(path).name
    if not is_archive(start):
        if name.lower().endswith(".ova"):
            raise PackageRefused(f"{quoted(name)} is not a tar archive, as an OVA must be. Fetch or export it again.")
        below = str(PurePosixPath(path).parent)
        return _OpenPackage(PackageFolder(root, "" if below == "." else below), name, None, path)
    stream.seek(0)
    try:
        archive = Archive(stream)
    except PackageUnreadable as broken:
        raise PackageRefused(f"{quoted(name)}: {broken.message} Fetch or export it again.") from broken
    for entry in archive.names():
        if leaves_package(entry):
            raise PackageRefused(
                f"The path of the archive's entry {quoted(entry)} leads out of the archive. Do not unpack it."
            )
    first = next(iter(archive.names()), "")
    refuse_unless_descriptor(first)
    return _OpenPackage(archive, first, archive, path)


def _read(opened: _OpenPackage, elsewhere: list[str]) -> Contents:
    package, name = opened.package, opened.descriptor
    data = read_whole(package, name, LARGEST_DOCUMENT)
    if data is None:
        raise PackageRefused(
            f"{quoted(name)} is larger than {amount(LARGEST_DOCUMENT)}; a descriptor has some kilobytes."
        )
    descriptor = parse_deployable(name, data)
    stored = {file.href: stored_name(package, file) for file in descriptor.files}
    entries, damage = _manifest(package, name)
    digested = {href for href, file in stored.items() if file in entries}
    corrected, sizes = without_capacities(descriptor, digested)
    problems, notes = check_files(corrected, package, elsewhere)
    own = entries.get(name)
    if own is not None and hashlib.new(hash_name(own.algorithm), data).hexdigest() != own.digest:
        damage.insert(0, f"{quoted(name)} was changed: its digest is not the one in the manifest.")
    refuse_if_any([*problems, *damage])
    disks = {disk.file_id for disk in descriptor.disks}
    return Contents(
        outline=outline(descriptor),
        text=opened.source(name, name, own, disk=False),
        files=[
            opened.source(file.href, stored[file.href], entries.get(stored[file.href]), disk=file.id in disks)
            for file in descriptor.files
        ],
        algorithm=next((entry.algorithm for entry in entries.values()), ""),
        checks=[
            *_manifest_checks(entries, name, [name, *stored.values()]),
            *(Check(rule="file-size", severity="warn", message=each) for each in sizes),
            *(Check(rule="descriptor", severity="info", message=each) for each in notes),
        ],
    )


def _manifest(package: Package, descriptor: str) -> tuple[dict[str, Entry], list[str]]:
    """The entries of the manifest by file name, none without a manifest; and what is wrong with it."""
    name = manifest_name(descriptor)
    if package.size(name) is None:
        return {}, []
    data = read_whole(package, name, LARGEST_MANIFEST)
    if data is None:
        return {}, [f"The manifest {quoted(name)} is longer than any real one."]
    entries: list[Entry] = []
    findings = read_entries(name, data, entries)
    wrong = [f"{each.where}: {each.message}" for each in findings if each.rule == UNREADABLE_LINE]
    wrong += [
        f"{quoted(entry.name)} is in the manifest, but not in the package."
        for entry in entries
        if package.size(entry.name) is None
    ]
    return {entry.name: entry for entry in entries}, wrong


def _manifest_checks(entries: dict[str, Entry], descriptor: str, files: list[str]) -> list[Check]:
    if not entries:
        message = f"There is no manifest {manifest_name(descriptor)}, so damage to the files cannot be detected."
        return [Check(rule="manifest-missing", severity="warn", message=message)]
    return [
        Check(
            rule="manifest-unlisted",
            severity="warn",
            message=f"{quoted(file)} is not in the manifest, so damage to it cannot be detected.",
        )
        for file in dict.fromkeys(files)
        if file not in entries
    ]
