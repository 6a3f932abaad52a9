"""A package that a VM can be made of: which bytes are its files, and what the VM must have.

A kept backup, a folder with an OVF and an OVA archive all become a `Deployable`, and are deployed in the same way.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from service.jobs.action import StepResult
from service.saving.store import DiskFacts, Saved
from service.transfer.safe_open import safe_open
from service.transfer.source import SourceFile


class Stored(BaseModel):
    """What reading disks from a store needs: what the backup keeps of its save, and of each disk by its `file`."""

    model_config = ConfigDict(frozen=True)

    saved: Saved
    facts: dict[str, DiskFacts]


class Deployable(StepResult):
    """A package to make a VM of, as a job records it."""

    title: str
    """What it is, for people."""
    vm: str
    """The new VM's name."""
    note: str
    """What is added to the VM's notes."""
    root: str
    """The folder that all paths are relative to."""
    descriptor: SourceFile
    files: list[SourceFile]
    networks: list[str]
    capacities: list[int] | None
    """Bytes of each disk in ascending order; None when the descriptor does not specify them."""
    warnings: list[str] = Field(default_factory=list)
    settings: SourceFile | None = None
    """The settings of the VM; None when the package keeps none."""
    nvram: SourceFile | None = None
    stored: Stored | None = None
    """The store that has the disks; None when they are files in `root`."""
    only: dict[str, str] | None = None
    """The places, such as `scsi0:1`, of the disks of a VM that gets only these disks, by their files in `files`."""

    @property
    def size(self) -> int:
        """Bytes of all files except the descriptor."""
        return sum(file.size for file in self.files)


def read_file(root: Path, file: SourceFile) -> bytes:
    """The content of a small file of a package. Raises OSError."""
    with safe_open(root, file.path) as stream:
        stream.seek(file.offset)
        return stream.read(file.size)
