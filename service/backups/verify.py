"""Verifies a backup: compares its files with the manifest, and checks the descriptor and what it refers to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from knowledge.atomic_file import replace_file
from knowledge.for_people import amount
from knowledge.ovf.manifest import LARGEST_MANIFEST, Entry, read_entries
from knowledge.ovf.xml import LARGEST_DOCUMENT
from service.backups.catalogue import RECORD, VERDICT, KeptBackup, Verdict, descriptor_of
from service.errors import NotFound, PackageRefused
from service.packages.descriptor import check_files, parse_descriptor
from service.transfer.safe_open import PackageFolder, safe_open


def files_of(kept: KeptBackup) -> list[str]:
    """The files that the manifest of a complete package must list: the descriptor, every disk, and what is beside.

    Disks that a store has are not among them. A backup of files has its archives only.
    """
    described = [descriptor_of(Path(kept.path)).name] if kept.whole_vm else []
    return [*described, *(file.file for file in (*kept.here, *kept.beside))]


def check_saved(kept: KeptBackup, found: Mapping[str, str]) -> list[str]:
    """What is wrong with the disks in a store when they now have these SHA-256 sums in hex, by their paths there."""
    problems = []
    for disk in kept.saved.disks if kept.saved else []:
        if not found[disk.path]:
            problems.append(f"{disk.path} cannot be read back from the store, where it is {disk.archive}.")
        elif found[disk.path] != disk.sha256:
            problems.append(
                f"{disk.path} was changed in the store: its SHA-256 is {found[disk.path]}, {RECORD} says {disk.sha256}."
            )
    return problems


def check_hashes(kept: KeptBackup, found: Mapping[str, str]) -> list[str]:
    """What is wrong, in sentences, when the files now have these SHA-256 sums in hex; empty when nothing is.

    `found` maps file names to sums; the sum is empty for a file that cannot be read.
    """
    try:
        listed = read_manifest(Path(kept.path))
    except OSError as error:
        return [f"The manifest cannot be read: {error.strerror}."]
    except ValueError as error:
        return [f"The manifest cannot be read: {error}."]
    recorded = {file.file: file.sha256 for file in (*kept.disks, *kept.here, *kept.beside)}
    problems = []
    for name, digest in found.items():
        if not digest:
            problems.append(f"{name} cannot be read.")
        elif name not in listed:
            problems.append(f"The manifest does not list {name}.")
        elif listed[name] != digest:
            problems.append(f"{name} was changed: its SHA-256 is {digest}, the manifest says {listed[name]}.")
        if digest and recorded.get(name, digest) != digest:
            problems.append(f"{name} was changed: its SHA-256 is {digest}, {RECORD} says {recorded[name]}.")
    problems += [f"The manifest lists {name}, which is not part of the backup." for name in listed.keys() - found]
    return problems


def read_manifest(folder: Path) -> dict[str, str]:
    """The SHA-256 in hex of each file, by file name; raises OSError, or ValueError for a line that is not a digest."""
    path = next(item for item in sorted(folder.iterdir()) if item.suffix == ".mf")
    with safe_open(folder, path.name) as file:
        data = file.read(LARGEST_MANIFEST + 1)
    if len(data) > LARGEST_MANIFEST:
        raise ValueError(f"it is larger than {amount(LARGEST_MANIFEST)}")
    entries: list[Entry] = []
    for wrong in read_entries(path.name, data, entries):
        raise ValueError(f"{wrong.where}: {wrong.message}")
    return {entry.name: entry.digest for entry in entries}


class CheckedDescriptor(NamedTuple):
    """What is wrong with a descriptor, and warnings, in sentences."""

    problems: list[str]
    warnings: list[str]


def check_descriptor(folder: str, elsewhere: list[str] | None = None) -> CheckedDescriptor:
    """Check the descriptor of the package in `folder`, and what it refers to. A parser process runs this.

    The files whose names are in `elsewhere` are not in the package: a store has them.
    """
    package = Path(folder)
    path = descriptor_of(package)
    try:
        with safe_open(package, path.name) as file:
            descriptor = parse_descriptor(path.name, file.read(LARGEST_DOCUMENT + 1))
        return CheckedDescriptor(*check_files(descriptor, PackageFolder(package), elsewhere or []))
    except OSError as error:
        return CheckedDescriptor([f"The descriptor {path.name} cannot be read: {error.strerror}."], [])
    except PackageRefused as error:
        return CheckedDescriptor([str(error)], [])


def write_verdict(folder: Path, verdict: Verdict) -> None:
    """Write the verdict into the package, all at once. Raises NotFound when the package is gone."""
    try:
        replace_file(folder / VERDICT, (json.dumps(verdict.model_dump(mode="json"), indent=2) + "\n").encode())
    except FileNotFoundError as error:
        raise NotFound(f"The backup {folder.name} no longer exists. The list of backups has those that do.") from error
