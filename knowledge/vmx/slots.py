"""The storage slots of a VM: what each kind of controller holds, and which slots a VMX uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from knowledge.vmx.devices import hardware_version
from knowledge.vmx.parse import Vmx

_SLOT = re.compile(r"(ide|sata|scsi|nvme)([0-9]{1,3}):([0-9]{1,3})\.present")
_CONTROLLER = re.compile(r"(sata|scsi|nvme)([0-9]{1,3})\.present")

CONTROLLERS = {"ide": 2, "sata": 4, "scsi": 4, "nvme": 4}
"""How many controllers of each kind a VM can have (vSphere, storage controller conditions and limitations)."""
RESERVED_UNIT = 7
"""The SCSI unit of the controller itself."""

PVSCSI_64 = 14
"""The hardware version (ESXi 6.7) since which a pvscsi controller has 64 disks instead of 15."""
NVME_64 = 21
"""The hardware version (ESXi 8.0 Update 2) since which an NVMe controller has 64 disks instead of 15."""


class Slot(NamedTuple):
    """One present device on a storage controller."""

    kind: str
    """``ide``, ``sata``, ``scsi`` or ``nvme``."""
    controller: int
    unit: int

    @property
    def controller_name(self) -> str:
        """The controller, such as ``scsi0``."""
        return f"{self.kind}{self.controller}"

    def __str__(self) -> str:
        return f"{self.kind}{self.controller}:{self.unit}"


def present_slots(vmx: Vmx) -> Iterator[Slot]:
    """Yield the slots whose device is present in `vmx`, in the order of the file, whatever their numbers."""
    for key in vmx.entries:
        if (found := _SLOT.fullmatch(key)) and vmx.flag(key):
            yield Slot(found[1], int(found[2]), int(found[3]))


def present_controllers(vmx: Vmx) -> Iterator[tuple[str, int]]:
    """Yield kind and number of the SATA, SCSI and NVMe controllers that are present; an IDE controller always is."""
    for key in vmx.entries:
        if (found := _CONTROLLER.fullmatch(key)) and vmx.flag(key):
            yield found[1], int(found[2])


def highest_unit(vmx: Vmx, slot: Slot) -> int:
    """Return the highest unit number on the controller of `slot`; the newest limit when the version is not known."""
    version = hardware_version(vmx) or NVME_64
    if slot.kind == "scsi":
        is_pvscsi = (vmx.get(f"{slot.controller_name}.virtualDev") or "").lower() == "pvscsi"
        return 64 if is_pvscsi and version >= PVSCSI_64 else 15
    if slot.kind == "nvme":
        return 63 if version >= NVME_64 else 14
    return {"ide": 1, "sata": 29}[slot.kind]
