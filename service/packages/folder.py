"""An OVF package on disk: its place, its descriptor and its manifest."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from service.errors import CopyFailed

PARTIAL = ".partial"
"""What the folder of a package that is not whole yet ends in."""


class PackageFile(BaseModel):
    """One disk file of a package; `key` is the disk's key in the lease, `size` is in bytes."""

    model_config = ConfigDict(frozen=True)

    key: str
    file: str
    size: int
    sha256: str


class Package:
    """The package that one job writes; in `.partial` until `finish` has made it whole."""

    def __init__(self, backups_dir: Path, vm_name: str, job_id: str) -> None:
        self.name = safe_name(vm_name)
        self.path = backups_dir / self.name / job_id
        self.aside = self.path.with_name(f"{job_id}{PARTIAL}")

    def open(self) -> Path:
        """The folder to write into."""
        self.aside.mkdir(parents=True, exist_ok=True)
        return self.aside

    def disk_name(self, leased: str) -> str:
        """The file name of a disk within the package, from the name it has in the lease."""
        return f"{self.name}-{safe_name(Path(leased).name)}"

    def describe(self, descriptor: str, disks: list[PackageFile]) -> list[str]:
        """See that every disk is there, and write descriptor and manifest; returns their names.

        Raises CopyFailed when a disk lacks or has another size.
        """
        for disk in disks:
            found = self.aside / disk.file
            if not found.is_file() or found.stat().st_size != disk.size:
                raise CopyFailed(f"The disk {disk.file} is not in the package as it was copied.")
        ovf, manifest = f"{self.name}.ovf", f"{self.name}.mf"
        _write(self.aside / ovf, descriptor)
        # The descriptor comes first; `sha256sum -c` reads this form as well as OVF tools do.
        sums = [(ovf, hashlib.sha256(descriptor.encode()).hexdigest()), *((disk.file, disk.sha256) for disk in disks)]
        _write(self.aside / manifest, "".join(f"SHA256({name})= {value}\n" for name, value in sums))
        return [ovf, manifest]

    def publish(self) -> list[str]:
        """Give the folder its name, now that it is whole; returns its file names."""
        if self.aside.exists() or not self.path.exists():
            self.aside.rename(self.path)
            _sync(self.path.parent)
        return sorted(item.name for item in self.path.iterdir())

    def finish(self, descriptor: str, disks: list[PackageFile], about: dict[str, Any]) -> list[str]:
        """Write descriptor, manifest and `backup.json`, see that every disk is there, and rename the folder.

        Returns the file names. Raises CopyFailed when a disk lacks or has another size.
        """
        if self.aside.exists() or not self.path.exists():
            self.describe(descriptor, disks)
            _write(self.aside / "backup.json", json.dumps(about, indent=2) + "\n")
        return self.publish()

    def discard(self) -> None:
        """Remove what was written of a package that will not become whole."""
        discard(self.aside)


def discard(folder: Path) -> None:
    """Remove a half package, and the VM's folder when nothing else is in it."""
    if folder.is_dir():
        for item in folder.iterdir():
            item.unlink()
        folder.rmdir()
    with contextlib.suppress(OSError):
        folder.parent.rmdir()


def safe_name(name: str) -> str:
    """A file name that says `name` but can neither leave its folder nor hide: `../../etc` becomes `etc`."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._-")[:80] or "vm"


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
