"""Checks of drives, and of devices that need newer virtual hardware."""

from collections.abc import Iterator

from knowledge.finding import Finding, Severity
from knowledge.vmx.devices import ETHERNET, FLOPPY, SCSI_CONTROLLERS, cdroms, hardware_version
from knowledge.vmx.parse import Vmx
from knowledge.vmx.slots import present_controllers
from knowledge.vmx.storage import NEEDS_HARDWARE_7

_CONTROLLERS_SINCE = {"sata": (10, "SATA"), "nvme": (13, "NVMe")}
"""The hardware version that introduced each kind of controller: vSphere API 5.5 (SATA) and 6.5 (NVMe)."""


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


def devices_of_newer_hardware(vmx: Vmx) -> Iterator[Finding]:
    """Report devices that need a newer virtual hardware version than the VM has."""
    version = hardware_version(vmx)
    if version is None:
        return
    for device in (*SCSI_CONTROLLERS, *ETHERNET):
        kind = (vmx.active(f"{device}.virtualDev") or "").lower()
        if kind in NEEDS_HARDWARE_7 and version < 7:
            older = "lsilogic" if device.startswith("scsi") else "vmxnet"
            where = vmx.where(f"{device}.virtualDev")
            yield _needs(7, version, device, kind, where, f'{device}.virtualDev = "{older}"')
    for kind, number in present_controllers(vmx):
        since, name = _CONTROLLERS_SINCE.get(kind, (0, ""))
        if version < since:
            where = vmx.where(f"{kind}{number}.present")
            yield _needs(since, version, f"{kind}{number}", f"{name} controller", where, "")


def _needs(since: int, version: int, device: str, kind: str, where: str, fix: str) -> Finding:
    article = "an" if kind.startswith("NVMe") else "a"
    message = f"{device} is {article} {kind}, which needs virtualHW.version {since} or newer; this VM has {version}."
    return Finding("needs-newer-hardware", "error", where, message, fix)


def oldest_hardware_for(vmx: Vmx) -> int:
    """Return the oldest virtual hardware version that has all devices of `vmx`; 4 (ESX 3) when any has them."""
    needed = [_CONTROLLERS_SINCE[kind][0] for kind, _ in present_controllers(vmx) if kind in _CONTROLLERS_SINCE]
    models = {(vmx.active(f"{device}.virtualDev") or "").lower() for device in (*SCSI_CONTROLLERS, *ETHERNET)}
    return max([4, *needed, *([7] if models & NEEDS_HARDWARE_7 else [])])


RULES = (connected_drives, devices_of_newer_hardware)
