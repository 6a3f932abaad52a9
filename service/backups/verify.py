"""Verifies a kept backup: every byte read again, the manifest held against it, the descriptor read and followed."""

from __future__ import annotations

import json
import os
from pathlib import Path

from knowledge.ovf.manifest import Entry, read_entries
from knowledge.ovf.xml import LARGEST_DOCUMENT
from service.backups.catalogue import ABOUT, VERDICT, KeptBackup, Verdict, descriptor_of
from service.errors import NotFound, PackageRefused
from service.packages.descriptor import check_files, parse_descriptor
from service.transfer.safe_open import PackageFolder


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
    entries: list[Entry] = []
    for wrong in read_entries(path.name, path.read_bytes(), entries):
        raise ValueError(f"{wrong.where}: {wrong.message}")
    return {entry.name: entry.digest for entry in entries}


def check_descriptor(folder: Path) -> tuple[list[str], list[str]]:
    """What is wrong with the descriptor, and what is only worth knowing; two empty lists when all is well."""
    path = descriptor_of(folder)
    try:
        with path.open("rb") as file:
            return check_files(parse_descriptor(path.name, file.read(LARGEST_DOCUMENT + 1)), PackageFolder(folder))
    except OSError as error:
        return [f"The descriptor {path.name} cannot be read: {error.strerror}."], []
    except PackageRefused as error:
        return [str(error)], []


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
