"""Checks of drives, and of devices that need newer virtual hardware."""

from collections.abc import Iterator

from knowledge.finding import Finding, Severity
from knowledge.vmx.devices import ETHERNET, FLOPPY, SCSI_CONTROLLERS, cdroms, hardware_version
from knowledge.vmx.parse import Vmx
from knowledge.vmx.slots import NVME_64, PVSCSI_64, present_controllers, present_slots
from knowledge.vmx.storage import NEEDS_HARDWARE_7

_CONTROLLERS_SINCE = {"sata": (10, "SATA"), "nvme": (13, "NVMe")}
"""The hardware version that introduced each kind of controller: vSphere API 5.5 (SATA) and 6.5 (NVMe)."""

_E1000E_SINCE = 8
"""VMware KB 1001805, on choosing a network adapter."""
_EFI_SINCE, _SECURE_BOOT_SINCE = 8, 13
_MOST_CPUS = {4: 4, 7: 8, 8: 32, 9: 64, 11: 128, 15: 256, 18: 768}
"""The most virtual CPUs by the first version that has them. These three: vSphere VM Administration 8.0, hardware
features available with virtual machine compatibility settings."""


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
            yield _needs(vmx, 7, device, kind, vmx.where(f"{device}.virtualDev"))
    for kind, number in present_controllers(vmx):
        since, name = _CONTROLLERS_SINCE.get(kind, (0, ""))
        if version < since:
            yield _needs(vmx, since, f"{kind}{number}", f"{name} controller", vmx.where(f"{kind}{number}.present"))


def _needs(vmx: Vmx, since: int, device: str, kind: str, where: str) -> Finding:
    """Return a finding whose fix is a newer version: an older device would need another driver to boot the guest."""
    article = "an" if kind.startswith("NVMe") else "a"
    message = (
        f"{device} is {article} {kind}, which needs virtualHW.version {since} or newer; this VM has "
        f"{hardware_version(vmx)}. A newer version cannot be taken back, so make a backup first."
    )
    fix = f'virtualHW.version = "{oldest_hardware_for(vmx)}"'
    return Finding("needs-newer-hardware", "error", where, message, fix)


def oldest_hardware_for(vmx: Vmx) -> int:
    """Return the oldest virtual hardware version that has all that `vmx` uses; 4 (ESX 3) when any has it."""
    needed = [4]
    needed += [_CONTROLLERS_SINCE[kind][0] for kind, _ in present_controllers(vmx) if kind in _CONTROLLERS_SINCE]
    models = {(vmx.active(f"{device}.virtualDev") or "").lower() for device in (*SCSI_CONTROLLERS, *ETHERNET)}
    needed += [7] if models & NEEDS_HARDWARE_7 else []
    needed += [_E1000E_SINCE] if "e1000e" in models else []
    for slot in present_slots(vmx):
        if slot.kind == "scsi" and slot.unit > 15:
            needed.append(PVSCSI_64)
        elif slot.kind == "nvme" and slot.unit > 14:
            needed.append(NVME_64)
    if (vmx.get("firmware") or "").lower() == "efi":
        needed.append(_SECURE_BOOT_SINCE if vmx.flag("uefi.secureBoot.enabled") else _EFI_SINCE)
    cpus = vmx.get("numvcpus") or ""
    if cpus.isascii() and cpus.isdigit() and len(cpus) < 4:
        needed += [version for version, most in _MOST_CPUS.items() if most >= int(cpus)][:1]
    return max(needed)


RULES = (connected_drives, devices_of_newer_hardware)
