"""An OVF package on disk: its folder, its descriptor and its manifest."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from service.errors import CopyFailed
from service.jobs.action import StepResult
from service.store.signing import Signer, signature_of

PARTIAL = ".partial"
"""Ending of the folder of a package that is not complete yet."""


class PackageFile(BaseModel):
    """One disk file of a package: `key` is the disk's key in the lease, `size` in bytes, `sha256` in hex."""

    model_config = ConfigDict(frozen=True)

    key: str
    file: str
    size: int
    sha256: str


class CopiedFile(PackageFile, StepResult):
    """A disk file as the step that copied it records it."""


class Package:
    """The package that one job writes: in a `.partial` folder until `publish` gives the complete one its name."""

    def __init__(self, folder: Path, vm_name: str, job_id: str) -> None:
        self.name = safe_name(vm_name)
        self.path = folder / self.name / job_id
        self.partial = self.path.with_name(f"{job_id}{PARTIAL}")

    @property
    def complete(self) -> bool:
        """Whether the package has its name, and so all its files."""
        return self.path.exists() and not self.partial.exists()

    def open(self) -> Path:
        """Create the folder to write into, if it is not there, and return it."""
        self.partial.mkdir(parents=True, exist_ok=True)
        return self.partial

    def disk_name(self, offered: str) -> str:
        """The file name of a disk in the package, from the name that the lease offers it under."""
        return f"{self.name}-{safe_name(Path(offered).name)}"

    def describe(self, descriptor: str, disks: Sequence[PackageFile]) -> list[str]:
        """Check that every file is there, and write descriptor and manifest; returns the names of these two.

        `disks` are all files of the package but these two. Raises CopyFailed when one is missing or has another size.
        """
        for disk in disks:
            found = self.partial / disk.file
            if not found.is_file() or found.stat().st_size != disk.size:
                raise CopyFailed(
                    f"The file {disk.file} is missing from the package, or was changed after it was copied. Check what "
                    f"else writes to {self.partial.parent}, then start the action again."
                )
        ovf, manifest = f"{self.name}.ovf", f"{self.name}.mf"
        write_whole(self.partial / ovf, descriptor.encode())
        # The descriptor comes first; `sha256sum -c` reads this form as well as OVF tools do.
        sums = [(ovf, hashlib.sha256(descriptor.encode()).hexdigest()), *((disk.file, disk.sha256) for disk in disks)]
        write_whole(self.partial / manifest, "".join(f"SHA256({name})= {value}\n" for name, value in sums).encode())
        return [ovf, manifest]

    def publish(self) -> list[str]:
        """Give the complete package its name; returns its file names. Doing it again changes nothing."""
        if not self.complete:
            self.partial.rename(self.path)
            sync(self.path.parent)
        return sorted(item.name for item in self.path.iterdir())

    def finish(
        self, descriptor: str, disks: Sequence[PackageFile], record: Mapping[str, Any], signer: Signer
    ) -> list[str]:
        """Write descriptor, manifest and `record` (as `backup.json`) with signatures, then publish; returns all names.

        Raises CopyFailed when a disk is missing or has another size.
        """
        if not self.complete:
            _, manifest = self.describe(descriptor, disks)
            write_whole(self.partial / "backup.json", f"{json.dumps(record, indent=2)}\n".encode())
            for name in (manifest, "backup.json"):
                path = self.partial / name
                write_whole(signature_of(path), signer.sign(path.read_bytes()))
        return self.publish()

    def discard(self) -> None:
        """Remove the files of a package that will not be completed."""
        discard(self.partial)


def discard(folder: Path) -> None:
    """Remove an incomplete package, and the folder of its VM when nothing else is in it."""
    if folder.is_dir():
        for item in folder.iterdir():
            item.unlink()
        folder.rmdir()
    with contextlib.suppress(OSError):
        folder.parent.rmdir()


def safe_name(name: str) -> str:
    """A file name for `name` that stays in its folder and is not hidden: `../../etc` becomes `etc`."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._-")[:80] or "vm"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, and return when the disk has it; raises OSError."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Write the names in a folder to the disk; raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
