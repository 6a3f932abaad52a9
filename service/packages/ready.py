"""A package that can be sent: which bytes are its files, and what a VM made of it must have; plain, so it can be kept.

A kept backup, a folder with an OVF and an OVA archive all become this, and are sent in the same way.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from knowledge.ovf.descriptor import Descriptor
from service.transfer.safe_open import open_inside
from service.transfer.source import SourceFile

DISK = 17
"""CIM's ResourceType of a virtual disk."""


class Ready(BaseModel):
    """A package to make a VM of; `note` goes into the VM's notes."""

    model_config = ConfigDict(frozen=True)

    title: str
    vm: str
    """The new VM's name."""
    note: str
    root: str
    descriptor: SourceFile
    files: list[SourceFile]
    networks: list[str]
    capacities: list[int] | None
    """Bytes of each disk in ascending order; None when the descriptor leaves it open."""
    warnings: list[str] = []

    @property
    def size(self) -> int:
        """Bytes of all files but the descriptor."""
        return sum(file.size for file in self.files)


def capacities(descriptor: Descriptor) -> list[int] | None:
    """What the disks that its VM gets hold, in bytes and ascending order; None when the descriptor leaves it open."""
    devices = [device for machine in descriptor.machines for device in machine.devices if device.type == DISK]
    disks = {disk.id: disk.capacity for disk in descriptor.disks}
    found = []
    for device in devices:
        capacity = disks.get(device.backing[0].rpartition("/")[2]) if device.backing else None
        if capacity is None or device.configuration:
            return None
        found.append(capacity)
    return sorted(found)


def read_file(root: Path, file: SourceFile) -> bytes:
    """The content of a small file of a package. Raises OSError."""
    with open_inside(root, file.path) as stream:
        stream.seek(file.offset)
        return stream.read(file.size)
