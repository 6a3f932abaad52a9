"""The virtual disks of a VM and the controllers that they are attached to, read from vCenter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim

from service.vsphere.session import Instance, Session, read_properties, vm_of

DEVICES = "config.hardware.device"
RESERVED_UNIT = 7
"""The unit of a SCSI bus that the controller itself has."""
UNITS = {"scsi": 16, "sata": 30, "nvme": 15, "ide": 2}
"""How many units a controller has. Some have more since vSphere 6.7, which need newer virtual hardware."""
BUSES = 4
"""The most controllers of one family that a VM can have."""


class Controller(BaseModel):
    """A disk controller; `family` is `scsi`, `sata`, `nvme` or `ide`, and `kind` its type in the vSphere API."""

    model_config = ConfigDict(frozen=True)

    key: int
    family: str
    kind: str
    bus: int
    shared: bool
    """Whether VMs share its bus, as the nodes of a cluster do."""
    used: tuple[int, ...]
    """The units that have a device."""

    def free_unit(self) -> int | None:
        """The first unit without a device."""
        every = (unit for unit in range(UNITS[self.family]) if self.family != "scsi" or unit != RESERVED_UNIT)
        return next((unit for unit in every if unit not in self.used), None)


class AttachedDisk(BaseModel):
    """A virtual disk that is attached to a VM."""

    model_config = ConfigDict(frozen=True)

    key: int
    label: str
    place: str
    """Its controller and unit, such as `scsi0:1`."""
    file: str
    """The datastore path of the file that the VM writes to: a delta while the VM has a snapshot."""
    chain: tuple[str, ...]
    """That file and its parents, the base last."""
    capacity: int
    """Bytes."""
    why_not_replaced: str
    """Why no restore can replace it; empty when one can."""


class Disks(BaseModel):
    """The disks and disk controllers of a VM, and the folder of its files, such as `[ds] web-01`."""

    model_config = ConfigDict(frozen=True)

    power_state: str
    vmx: str
    """The datastore path of its configuration file."""
    disks: list[AttachedDisk]
    controllers: list[Controller]

    def at(self, place: str) -> AttachedDisk | None:
        """The disk at this controller and unit."""
        return next((disk for disk in self.disks if place and disk.place == place), None)

    def using(self, files: Iterable[str]) -> list[AttachedDisk]:
        """The disks that use one of these files."""
        wanted = set(files)
        return [disk for disk in self.disks if wanted & set(disk.chain)]


async def read_disks(session: Session, vm: str) -> Disks:
    """The disks of the VM `vm` (a moref) now; raises NotFound when the VM is gone."""
    return await session.call(lambda instance: disks_of(instance, vm))


def disks_of(instance: Instance, vm: str) -> Disks:
    """See `read_disks`; for code that runs in a thread of a session."""
    names = [DEVICES, "config.files.vmPathName", "runtime.powerState"]
    values = read_properties(instance, [vm_of(instance, vm)], vim.VirtualMachine, names)[0][1]
    devices = list(values.get(DEVICES, []))
    controllers = {each.key: each for each in controllers_of(devices)}
    return Disks(
        power_state=str(values.get("runtime.powerState", "")),
        vmx=str(values.get("config.files.vmPathName", "")),
        disks=[_disk(device, controllers) for device in devices if isinstance(device, vim.vm.device.VirtualDisk)],
        controllers=list(controllers.values()),
    )


def controllers_of(devices: Iterable[Any]) -> Iterator[Controller]:
    """The disk controllers among these devices of a VM, or of the specification of one."""
    every = list(devices)
    for device in every:
        if family := _family(device):
            used = (each.unitNumber for each in every if each.controllerKey == device.key)
            yield Controller(
                key=device.key,
                family=family,
                kind=type(device).__name__.rpartition(".")[2],
                bus=device.busNumber,
                shared=str(getattr(device, "sharedBus", "") or "noSharing") != "noSharing",
                used=tuple(sorted(unit for unit in used if unit is not None)),
            )


def place_of(device: Any, controllers: Mapping[int, Controller]) -> str:
    """The controller and unit of a device, such as `scsi0:1`; `controllers` are those of its VM by key."""
    controller = controllers.get(device.controllerKey)
    return f"{controller.family}{controller.bus}:{device.unitNumber}" if controller else ""


def files_of(device: Any) -> list[str]:
    """The datastore paths of the files behind a device of a VM: of a disk, the one that is written to comes first."""
    chain, backing = [], device.backing
    while backing is not None:
        chain.append(str(getattr(backing, "fileName", "") or ""))
        backing = getattr(backing, "parent", None)
    return chain


def _disk(device: Any, controllers: Mapping[int, Controller]) -> AttachedDisk:
    chain = files_of(device)
    return AttachedDisk(
        key=device.key,
        label=str(device.deviceInfo.label) if device.deviceInfo else f"disk {device.key}",
        place=place_of(device, controllers),
        file=chain[0],
        chain=tuple(chain),
        capacity=device.capacityInBytes or device.capacityInKB * 1024,
        why_not_replaced=_why_not_replaced(device),
    )


def _why_not_replaced(disk: Any) -> str:
    """What keeps a snapshot from bringing the disk back."""
    if str(getattr(disk.backing, "diskMode", "") or "").startswith("independent"):
        return "it is independent, so no snapshot can bring it back"
    if getattr(disk.backing, "compatibilityMode", None) is not None:
        return "it is a raw device mapping"
    return ""


def _family(device: Any) -> str:
    devices = vim.vm.device
    families = (
        (devices.VirtualSCSIController, "scsi"),
        (devices.VirtualSATAController, "sata"),
        (devices.VirtualNVMEController, "nvme"),
        (devices.VirtualIDEController, "ide"),
    )
    return next((family for kind, family in families if isinstance(device, kind)), "")
