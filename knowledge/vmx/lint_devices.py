"""Checks of disks, drives, controllers and network cards."""

from collections.abc import Iterator

from knowledge.finding import Finding, Severity
from knowledge.vmx.devices import (
    ETHERNET,
    FLOPPY,
    IDE,
    SCSI,
    SCSI_CONTROLLERS,
    NoFreeSlotError,
    cdroms,
    free_slot,
    hardware_version,
    is_cdrom,
    is_present,
)
from knowledge.vmx.parse import Vmx
from knowledge.vmx.snippets import written
from knowledge.vmx.storage import NEEDS_HARDWARE_7
from knowledge.vmx.syntax import UnsafeValueError

_TOOLS_SIGNS = ("toolscripts.", "toolsinstallmanager.", "tools.upgrade.", "guestinfo.detailed.")


def ide_disks(vmx: Vmx) -> Iterator[Finding]:
    """Report IDE disks: appliances should have virtual SCSI disks, which are faster and which every product accepts."""
    for slot in sorted(IDE):
        if is_present(vmx, slot) and not is_cdrom(vmx, slot):
            message = (
                f"{slot} is an IDE disk; appliances should use virtual SCSI. With the VMX, you must also change the "
                "descriptor of the VMDK (ddb.adapterType) and the initrd of the guest."
            )
            yield Finding("ide-disk", "warning", vmx.where(f"{slot}.present"), message, _scsi_lines(vmx, slot))


def _scsi_lines(vmx: Vmx, ide: str) -> str:
    try:
        slot = free_slot(vmx, SCSI)
        lines = [
            (f"{slot.partition(':')[0]}.present", "TRUE"),
            (f"{slot}.present", "TRUE"),
            (f"{slot}.deviceType", "scsi-hardDisk"),
            (f"{slot}.fileName", vmx.get(f"{ide}.fileName") or "DISK.vmdk"),
            (f"{ide}.present", "FALSE"),
        ]
        return written(lines).rstrip("\n")
    except (NoFreeSlotError, UnsafeValueError):
        return f'{ide}.present = "FALSE"'


def connected_drives(vmx: Vmx) -> Iterator[Finding]:
    """Report CD-ROM and floppy drives that are connected at power-on, because they tie a VM to its host."""
    for drive in cdroms(vmx):
        key = f"{drive}.startConnected"
        if vmx.flag(key, default=True):
            message = f"The CD-ROM drive {drive} is connected at power-on; disconnect it unless it is needed."
            where = vmx.where(key if vmx.get(key) else f"{drive}.present")
            yield Finding("cdrom-connected", "warning", where, message, f'{key} = "FALSE"')
    for drive in FLOPPY:
        key = f"{drive}.startConnected"
        is_first = drive == FLOPPY[0]
        if vmx.flag(f"{drive}.present", default=is_first) and vmx.flag(key, default=True):
            configured = any(vmx.get(f"{drive}.{name}") for name in ("present", "startConnected", "fileName"))
            message = f"The floppy drive {drive} is connected at power-on" + (
                "." if configured else ", which is the default without a setting."
            )
            where = vmx.where(key if vmx.get(key) else f"{drive}.present")
            severity: Severity = "warning" if configured else "info"
            yield Finding("floppy-connected", severity, where, message, f'{key} = "FALSE"')


def absent_controllers(vmx: Vmx) -> Iterator[Finding]:
    """Report disks on a SCSI controller that is not present, and disks at unit 7, which the controller itself uses."""
    for controller in SCSI_CONTROLLERS:
        fix = f'{controller}.present = "TRUE"'
        for unit in range(16):
            key = f"{controller}:{unit}.present"
            if not vmx.flag(key):
                continue
            if not vmx.flag(f"{controller}.present"):
                message = f"{controller}:{unit} is present, but its controller {controller} is not."
                yield Finding("absent-controller", "error", vmx.where(key), message, fix)
            if unit == 7:
                message = f"The controller itself uses {controller}:7, so no disk can have this number."
                yield Finding("reserved-unit", "error", vmx.where(key), message, f'{key} = "FALSE"')


def slow_network_cards(vmx: Vmx) -> Iterator[Finding]:
    """Report vlance and Flexible cards of guests with Tools, which can use vmxnet."""
    if not has_tools(vmx):
        return
    better = "vmxnet3" if (hardware_version(vmx) or 0) >= 7 else "vmxnet"
    is_64_bit = (vmx.get("guestOS") or "").lower().endswith("-64")
    for card in ETHERNET:
        if not is_present(vmx, card):
            continue
        kind = (vmx.get(f"{card}.virtualDev") or "").lower()
        fix = f'{card}.virtualDev = "{better}"'
        if kind == "vlance":
            message = (
                f"{card} is a vlance (10 Mb/s PCnet32), but this VMX has signs of Tools in the guest, with which "
                f"{better} is faster. Configure the guest's network for the new card before the next boot."
            )
            yield Finding("slow-nic", "warning", vmx.where(f"{card}.virtualDev"), message, fix)
        elif not kind and not is_64_bit:
            message = f"{card} has no type, so it is Flexible: a vlance until the guest loads the vmxnet driver."
            yield Finding("flexible-nic", "info", vmx.where(f"{card}.present"), message, fix)


def has_tools(vmx: Vmx) -> bool:
    """Return whether the VMX has signs of VMware Tools in the guest; there is no certain one."""
    return vmx.flag("tools.syncTime") or any(key.startswith(_TOOLS_SIGNS) for key in vmx.entries)


def devices_of_newer_hardware(vmx: Vmx) -> Iterator[Finding]:
    """Report pvscsi, lsisas1068 and vmxnet3 in a VM whose virtual hardware version is older than 7."""
    version = hardware_version(vmx)
    if version is None or version >= 7:
        return
    for device in (*SCSI_CONTROLLERS, *ETHERNET):
        kind = (vmx.active(f"{device}.virtualDev") or "").lower()
        if kind in NEEDS_HARDWARE_7:
            older = "lsilogic" if device.startswith("scsi") else "vmxnet"
            message = f"{device} is a {kind}, which needs virtualHW.version 7 or newer; this VM has {version}."
            yield Finding(
                "needs-newer-hardware",
                "error",
                vmx.where(f"{device}.virtualDev"),
                message,
                f'{device}.virtualDev = "{older}"',
            )


RULES = (ide_disks, connected_drives, absent_controllers, slow_network_cards, devices_of_newer_hardware)
