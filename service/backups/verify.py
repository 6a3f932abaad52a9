"""Verifies a kept backup: every byte read again, the manifest held against it, the descriptor read and followed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

from knowledge.finding import Finding
from knowledge.ovf.contents import check_contents
from knowledge.ovf.descriptor import Descriptor, is_envelope, read_descriptor
from knowledge.ovf.package import Folder
from knowledge.ovf.references import check_references
from knowledge.ovf.xml import LARGEST_DOCUMENT, XmlRefused, parse
from service.backups.catalogue import ABOUT, VERDICT, KeptBackup, Verdict, descriptor_of
from service.errors import BackupDamaged, NotFound

CHUNK = 4 << 20
TOLERATED = frozenset({"disk-capacity-differs"})
"""Findings that do not say that a file was harmed: vCenter states the VM's capacity, the disk its own."""
_LINE = re.compile(r"SHA256\((.+)\)= ([0-9a-f]{64})")


async def hash_file(path: Path, progress: Callable[[int], None]) -> tuple[int, str]:
    """The size in bytes and the SHA-256 in hex of a file of any size; `progress` is told the bytes so far.

    It reads in a thread, piece by piece, so that a cancel is heard after each. Raises OSError.
    """
    size, digest = 0, hashlib.sha256()
    with await asyncio.to_thread(path.open, "rb", 0) as file:

        def piece() -> int:
            data = file.read(CHUNK)
            digest.update(data)
            return len(data)

        while count := await asyncio.to_thread(piece):
            size += count
            progress(size)
    return size, digest.hexdigest()


def files_of(kept: KeptBackup) -> list[str]:
    """What the manifest of a whole package has to list: the descriptor and every disk."""
    return [descriptor_of(Path(kept.path)).name, *(disk.file for disk in kept.disks)]


def check_hashes(kept: KeptBackup, found: dict[str, str]) -> list[str]:
    """What is wrong when the files have these SHA-256 sums now, in sentences; empty when all is well."""
    try:
        listed = read_manifest(Path(kept.path))
    except (OSError, ValueError) as error:
        return [f"The manifest cannot be read: {error}."]
    recorded = {disk.file: disk.sha256 for disk in kept.disks}
    problems = []
    for name, digest in found.items():
        if not digest:
            problems.append(f"{name} cannot be read.")
        elif name not in listed:
            problems.append(f"The manifest does not list {name}.")
        elif listed[name] != digest:
            problems.append(f"{name} was changed: its SHA-256 is {digest}, the manifest says {listed[name]}.")
        if digest and recorded.get(name, digest) != digest:
            problems.append(f"{name} was changed: its SHA-256 is {digest}, {ABOUT} says {recorded[name]}.")
    problems += [f"The manifest lists {name}, which is not part of the backup." for name in listed.keys() - found]
    return problems


def read_manifest(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file by its name; raises OSError, or ValueError for a line that is no digest."""
    path = next(item for item in sorted(folder.iterdir()) if item.suffix == ".mf")
    listed = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not (entry := _LINE.fullmatch(line)):
            raise ValueError(f"line {number} of {path.name} is no digest")
        listed[entry[1]] = entry[2]
    return listed


def open_descriptor(folder: Path) -> Descriptor:
    """The descriptor of a package; raises BackupDamaged when it cannot be read as one."""
    path = descriptor_of(folder)
    try:
        with path.open("rb") as file:
            root = parse(file.read(LARGEST_DOCUMENT + 1))
    except (OSError, XmlRefused) as error:
        said = error.message if isinstance(error, XmlRefused) else str(error)
        raise BackupDamaged(f"The descriptor {path.name} cannot be read: {said}") from error
    if not is_envelope(root):
        raise BackupDamaged(f"{path.name} is no OVF descriptor.")
    return read_descriptor(root)


def check_descriptor(folder: Path) -> tuple[list[str], list[str]]:
    """What is wrong with the descriptor, and what is only worth knowing; two empty lists when all is well."""
    try:
        descriptor = open_descriptor(folder)
    except BackupDamaged as error:
        return [str(error)], []
    errors: list[Finding] = [
        found
        for found in (*check_references(descriptor), *check_contents(Folder(folder), descriptor))
        if found.severity == "error"
    ]
    problems = [f"Descriptor, {found.where}: {found.message}" for found in errors if found.rule not in TOLERATED]
    return problems, [f"Descriptor, {found.where}: {found.message}" for found in errors if found.rule in TOLERATED]


def write_verdict(folder: Path, verdict: Verdict) -> None:
    """Keep the verdict in the package; written aside, then renamed. Raises NotFound when the package has gone."""
    aside = folder / f"{VERDICT}.partial"
    try:
        with aside.open("w", encoding="utf-8") as file:
            file.write(json.dumps(verdict.model_dump(mode="json"), indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        aside.replace(folder / VERDICT)
    except FileNotFoundError as error:
        raise NotFound(f"The backup {folder.name} is not there any more.") from error
