"""Detaches disks from VMs and attaches files as disks; each call can be repeated after a crash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim

from service.api.words import vsphere_words
from service.errors import Conflict
from service.vsphere.disks import BUSES, Controller, Disks, disks_of
from service.vsphere.session import Instance, Session, read_properties, vm_of
from service.vsphere.vms import reconfigure_as

HOT_FAMILIES = ("scsi", "nvme", "sata")
"""The families of controllers to which a disk can be added, the best first; an IDE disk only while the VM is off."""
FIRST_KEY = -100
"""The key of the first controller that a change adds; vSphere chooses another one."""


class NewDisk(BaseModel):
    """A disk file to attach: its datastore path, its bytes, and controller and unit such as `scsi0:1`.

    An empty `place` means any free unit. `replaces` is the key of the disk that goes.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    capacity: int
    place: str = ""
    replaces: int | None = None


async def detach_all(session: Session, vm: str) -> None:
    """Detach every disk of the VM `vm` (a moref), and keep the files."""

    def wanted(instance: Instance) -> Any:
        disks = disks_of(instance, vm).disks
        if not disks:
            return None
        return _with([_removal(instance, vm, disk.key) for disk in disks])

    await reconfigure_as(session, vm, wanted)


async def detach_file(session: Session, vm: str, files: Sequence[str]) -> bool:
    """Detach the disks that use one of these files, and keep the files; False when the VM has none of them."""

    def wanted(instance: Instance) -> Any:
        disks = disks_of(instance, vm).using(files)
        return _with([_removal(instance, vm, disk.key) for disk in disks]) if disks else None

    return await reconfigure_as(session, vm, wanted)


async def swap_disks(session: Session, vm: str, name: str, new: Sequence[NewDisk]) -> bool:
    """Replace disks of a VM that is off, in one change; the files of the old ones stay. False when that was done.

    Raises Conflict when the VM `vm` (a moref) with this name is not powered off.
    """

    def wanted(instance: Instance) -> Any:
        now = disks_of(instance, vm)
        if len(now.using(disk.file for disk in new)) == len(new):
            return None
        if now.power_state != "poweredOff":
            raise Conflict(
                f"{name} is {vsphere_words(now.power_state)}: somebody changed it meanwhile. Power it off first."
            )
        going = {disk.replaces for disk in new}
        if why := [
            f"{each.label}: {each.why_not_replaced}"
            for each in now.disks
            if each.key in going and each.why_not_replaced
        ]:
            raise Conflict(f"{name} was changed meanwhile, and these disks cannot be replaced: {'; '.join(why)}.")
        changes = [_removal(instance, vm, disk.key) for disk in now.disks if disk.key in going]
        added: list[Controller] = []
        for number, disk in enumerate(new):
            changes += _addition(now, disk, added, number)
        return _with(changes)

    return await reconfigure_as(session, vm, wanted)


async def attach_disk(session: Session, vm: str, disk: NewDisk) -> str:
    """Attach a file as a disk at a free unit of the VM `vm` (a moref); returns controller and unit.

    Raises Conflict when the VM has no free unit.
    """

    def wanted(instance: Instance) -> Any:
        now = disks_of(instance, vm)
        if now.using([disk.file]):
            return None
        changes = _addition(now, disk.model_copy(update={"place": free_place(now)}), [])
        return _with(changes)

    await reconfigure_as(session, vm, wanted)
    found = await session.call(lambda instance: disks_of(instance, vm).using([disk.file]))
    return found[0].place if found else ""


def free_place(now: Disks) -> str:
    """The controller and unit for one more disk, of a controller that has to be added when all are full.

    A controller of the VM's own comes first. Raises Conflict when there is no place.
    """
    running = now.power_state != "poweredOff"
    families = HOT_FAMILIES if running else (*HOT_FAMILIES, "ide")
    own = [each for family in families for each in now.controllers if each.family == family and not each.shared]
    for controller in own:
        if (unit := controller.free_unit()) is not None:
            return f"{controller.family}{controller.bus}:{unit}"
    buses = {each.bus for each in now.controllers if each.family == "scsi"}
    free = next((bus for bus in range(BUSES) if bus not in buses), None)
    if free is None:
        raise Conflict("Every disk controller of the VM is full, and it can get no further one. Detach a disk first.")
    return f"scsi{free}:0"


def split_place(place: str) -> tuple[str, int, int]:
    """The family, bus and unit of a place such as `scsi0:1`."""
    controller, _, unit = place.partition(":")
    family = controller.rstrip("0123456789")
    return family, int(controller.removeprefix(family)), int(unit)


def why_no_place(now: Disks, place: str) -> str:
    """Why no disk can be added at a place; empty when one can. Only SCSI, SATA and NVMe controllers can be added."""
    family, bus, unit = split_place(place)
    if family == "ide" and not any(each.family == "ide" and each.bus == bus for each in now.controllers):
        return f"the VM has no IDE controller {bus}"
    if bus >= BUSES:
        return f"there is no {place}"
    taken = any((each.family, each.bus) == (family, bus) and unit in each.used for each in now.controllers)
    return f"another device is at {place}" if taken and now.at(place) is None else ""


def _addition(now: Disks, disk: NewDisk, added: list[Controller], number: int = 0) -> list[Any]:
    """What adds the disk, with its controller unless the VM has it or it is among those `added` before.

    `number` tells the disks of one change apart.
    """
    family, bus, unit = split_place(disk.place)
    changes = []
    known = [each for each in [*now.controllers, *added] if (each.family, each.bus) == (family, bus)]
    if known:
        controller = known[0]
    else:
        like = next((each.kind for each in now.controllers if each.family == family), "")
        key = FIRST_KEY - len(added)
        controller = Controller(key=key, family=family, kind=like, bus=bus, shared=False, used=())
        added.append(controller)
        changes.append(_add(_new_controller(controller)))
    backing = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(fileName=disk.file, diskMode="persistent")
    device = vim.vm.device.VirtualDisk(
        key=FIRST_KEY - 100 - number,
        backing=backing,
        controllerKey=controller.key,
        unitNumber=unit,
        capacityInKB=disk.capacity // 1024,
        capacityInBytes=disk.capacity,
    )
    return [*changes, _add(device)]


def _new_controller(controller: Controller) -> Any:
    """A controller of the kind that the VM has already, or of the usual kind."""
    devices = vim.vm.device
    usual = {
        "scsi": devices.ParaVirtualSCSIController,
        "sata": devices.VirtualAHCIController,
        "nvme": devices.VirtualNVMEController,
        "ide": devices.VirtualIDEController,
    }
    kind: Any = getattr(devices, controller.kind, usual[controller.family])
    made = kind(key=controller.key, busNumber=controller.bus)
    if controller.family == "scsi":
        made.sharedBus = "noSharing"
    return made


def _add(device: Any) -> Any:
    return vim.vm.device.VirtualDeviceSpec(operation="add", device=device)


def _removal(instance: Instance, vm: str, key: int) -> Any:
    """What removes the device with this key and, without a file operation, keeps its files."""
    names = ["config.hardware.device"]
    values = read_properties(instance, [vm_of(instance, vm)], vim.VirtualMachine, names)[0][1]
    device = next((each for each in values.get(names[0], []) if each.key == key), None)
    if device is None:  # StopIteration must not leave a thread: its future would never end
        raise Conflict("A disk of the VM was removed meanwhile. Start the action again.")
    return vim.vm.device.VirtualDeviceSpec(operation="remove", device=device)


def _with(changes: list[Any]) -> Any:
    return vim.vm.ConfigSpec(deviceChange=changes)
