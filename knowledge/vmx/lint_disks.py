"""Checks of storage: controllers and unit numbers that exist, and disks that are attached once."""

import posixpath
from collections.abc import Iterator

from knowledge.finding import Finding
from knowledge.vmx.devices import IDE, SCSI, NoFreeSlotError, free_slot, is_cdrom, is_present
from knowledge.vmx.excerpt import excerpt
from knowledge.vmx.parse import Vmx
from knowledge.vmx.slots import CONTROLLERS, RESERVED_UNIT, Slot, highest_unit, present_controllers, present_slots
from knowledge.vmx.snippets import written
from knowledge.vmx.syntax import UnsafeValueError

_NAMES = {"ide": "IDE", "sata": "SATA", "scsi": "SCSI", "nvme": "NVMe"}


def ide_disks(vmx: Vmx) -> Iterator[Finding]:
    """Report IDE disks: appliances should have virtual SCSI disks, which are faster and which every product accepts."""
    for slot in sorted(IDE):
        if is_present(vmx, slot) and not is_cdrom(vmx, slot):
            message = (
                f"{slot} is an IDE disk; appliances should use virtual SCSI. With the VMX, you must also change the "
                "descriptor of the VMDK (ddb.adapterType) and the initrd of the guest."
            )
            yield Finding("ide-disk", "warning", vmx.where(f"{slot}.present"), message, _on_scsi(vmx, slot))


def disk_attached_twice(vmx: Vmx) -> Iterator[Finding]:
    """Report a disk file in two slots: the first locks it, so that the second cannot open it at power-on."""
    first: dict[str, str] = {}
    for slot in (str(slot) for slot in present_slots(vmx)):
        name = vmx.get(f"{slot}.fileName") or ""
        if not is_present(vmx, slot) or is_cdrom(vmx, slot) or not name or name.lower().endswith(".iso"):
            continue
        other = first.setdefault(posixpath.normpath(name.replace("\\", "/")), slot)
        if other != slot:
            message = (
                f"{other} and {slot} are the same disk, {excerpt(name)}. The VM does not power on: it fails to lock "
                "the file that it has locked already."
            )
            where = vmx.where(f"{slot}.fileName")
            yield Finding("disk-twice", "error", where, message, f'{slot}.present = "FALSE"')


def too_many_controllers(vmx: Vmx) -> Iterator[Finding]:
    """Report controllers above the number that a VM can have, such as scsi4; disks on them are reported with them."""
    listed = [*present_controllers(vmx), *((slot.kind, slot.controller) for slot in present_slots(vmx))]
    for kind, number in dict.fromkeys(listed):
        most = CONTROLLERS[kind]
        if number < most:
            continue
        name = f"{kind}{number}"
        disks = [slot for slot in present_slots(vmx) if slot.controller_name == name]
        message = (
            f"A VM can have {most} {_NAMES[kind]} controllers, {kind}0 to {kind}{most - 1}; {name} does not exist"
            + (f", so the disk at {disks[0]} cannot be attached." if disks else ".")
        )
        where = vmx.where(f"{disks[0]}.present" if disks else f"{name}.present")
        fix = _on_scsi(vmx, str(disks[0])) if disks else f'{name}.present = "FALSE"'
        yield Finding("too-many-controllers", "error", where, message, fix)


def absent_controllers(vmx: Vmx) -> Iterator[Finding]:
    """Report devices on a controller that is not present."""
    for slot in present_slots(vmx):
        controller = slot.controller_name
        if slot.kind == "ide" or slot.controller >= CONTROLLERS[slot.kind] or vmx.flag(f"{controller}.present"):
            continue
        message = f"{slot} is present, but its controller {controller} is not."
        if slot.kind == "scsi" and not vmx.get(f"{controller}.virtualDev"):
            message += f" Also set {controller}.virtualDev to the type whose driver the guest has."
        fix = f'{controller}.present = "TRUE"'
        yield Finding("absent-controller", "error", vmx.where(f"{slot}.present"), message, fix)


def unit_numbers(vmx: Vmx) -> Iterator[Finding]:
    """Report a device at the unit of the controller itself, or at a unit that the controller does not have."""
    for slot in present_slots(vmx):
        if slot.controller >= CONTROLLERS[slot.kind]:
            continue
        where = vmx.where(f"{slot}.present")
        if slot.kind == "scsi" and slot.unit == RESERVED_UNIT:
            message = f"The controller itself uses {slot}, so no disk can have this number."
            yield Finding("reserved-unit", "error", where, message, _on_scsi(vmx, str(slot)))
        elif slot.unit > (highest := highest_unit(vmx, slot)):
            yield Finding("unit-number", "error", where, _no_such_unit(slot, highest), _on_scsi(vmx, str(slot)))


def _no_such_unit(slot: Slot, highest: int) -> str:
    message = f"{slot.controller_name} has the units 0 to {highest}, so there is no {slot}."
    if slot.kind == "scsi" and highest == 15:
        message += " Units up to 64 need a pvscsi controller and virtualHW.version 14 (ESXi 6.7) or newer."
    if slot.kind == "nvme" and highest == 14:
        message += " Units up to 63 need virtualHW.version 21 (ESXi 8.0 Update 2) or newer."
    return message


def _on_scsi(vmx: Vmx, old: str) -> str:
    """Return the lines that attach the disk at `old` to the next free SCSI slot instead."""
    try:
        slot = free_slot(vmx, SCSI)
        lines = [
            (f"{slot.partition(':')[0]}.present", "TRUE"),
            (f"{slot}.present", "TRUE"),
            (f"{slot}.deviceType", "scsi-hardDisk"),
            (f"{slot}.fileName", vmx.get(f"{old}.fileName") or "DISK.vmdk"),
            (f"{old}.present", "FALSE"),
        ]
        return written(lines).rstrip("\n")
    except (NoFreeSlotError, UnsafeValueError):
        return f'{old}.present = "FALSE"'


RULES = (ide_disks, disk_attached_twice, too_many_controllers, absent_controllers, unit_numbers)
