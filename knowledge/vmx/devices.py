"""The device slots of a VM: which of them a VMX uses, and the next free one."""

from collections.abc import Mapping, Sequence

from knowledge.errors import Unreadable
from knowledge.vmx.parse import Vmx

SERIAL = tuple(f"serial{port}" for port in range(32))
"""Every serial port; those above `serial3` exist since ESXi 6.0 (vSphere VM Administration, serial ports)."""
ETHERNET = tuple(f"ethernet{card}" for card in range(10))
FLOPPY = ("floppy0", "floppy1")
SCSI_CONTROLLERS = tuple(f"scsi{controller}" for controller in range(4))
SCSI = tuple(f"scsi{controller}:{unit}" for controller in range(4) for unit in range(16) if unit != 7)
"""Every SCSI slot of any controller except unit 7, which the controller itself uses."""
PVSCSI = tuple(f"scsi{controller}:{unit}" for controller in range(4) for unit in range(65) if unit != 7)
"""The same for a pvscsi controller, which has 64 disks since hardware version 14 (ESXi 6.7)."""
IDE = ("ide1:0", "ide0:0", "ide1:1", "ide0:1")
"""The master of the second channel first, which is the usual place of a CD-ROM drive."""
SATA = tuple(f"sata{controller}:{unit}" for controller in range(4) for unit in range(30))
NVME = tuple(f"nvme{controller}:{unit}" for controller in range(4) for unit in range(15))
SLOTS = {"ide": IDE, "sata": SATA, "scsi": SCSI}


class NoFreeSlotError(Unreadable):
    """Every slot of the requested kind is in use in this VMX."""


def is_present(vmx: Vmx, device: str) -> bool:
    """Return whether `device` (such as `scsi0:0`) and its controller are present.

    An IDE controller is always present; other devices are when their `present` setting is true.
    """
    controller = device.partition(":")[0]
    if controller != device and not controller.startswith("ide") and not vmx.flag(f"{controller}.present"):
        return False
    return vmx.flag(f"{device}.present")


def is_cdrom(vmx: Vmx, device: str) -> bool:
    """Return whether `device` is a CD-ROM drive (`cdrom-image`, `cdrom-raw` or `atapi-cdrom`)."""
    return "cdrom" in (vmx.get(f"{device}.deviceType") or "").lower()


def cdroms(vmx: Vmx) -> list[str]:
    """Return the CD-ROM drives that are present, in the order IDE, SATA, SCSI."""
    return [slot for slots in SLOTS.values() for slot in slots if is_present(vmx, slot) and is_cdrom(vmx, slot)]


def hardware_version(vmx: Vmx | None) -> int | None:
    """Return `virtualHW.version` as a number, or None when it is not set or not a number."""
    value = vmx.get("virtualHW.version") if vmx else None
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 4 else None


def free_slot(vmx: Vmx | None, slots: Sequence[str], same: Mapping[str, str] | None = None) -> str:
    """Return the slot of `slots` that a snippet can use in `vmx`; without a VMX, the first one.

    A slot that already has the same device is preferred, so that a second merge changes nothing; `same` maps the key
    suffixes that identify the device to their values. The next choice is a free slot: one without settings, or with
    only `present = "FALSE"`. The last is a slot whose device is not present. Raises `NoFreeSlotError`.
    """
    if vmx is None:
        return slots[0]
    used = _settings_by_device(vmx, slots)
    if same:
        for slot in used:
            if is_present(vmx, slot) and all(vmx.get(f"{slot}.{key}") == value for key, value in same.items()):
                return slot
    for slot in slots:
        if used.get(slot, set()) <= {"present"} and not vmx.flag(f"{slot}.present"):
            return slot
    for slot in slots:
        if not vmx.flag(f"{slot}.present", default=True):
            return slot
    raise NoFreeSlotError(f"{slots[0]} to {slots[-1]} are all in use in this VMX. Give the one to replace.")


def _settings_by_device(vmx: Vmx, slots: Sequence[str]) -> dict[str, set[str]]:
    """Return the key suffixes that are set for each of `slots`, in the order of `slots`; unused ones are absent."""
    wanted = frozenset(slots)
    suffixes: dict[str, set[str]] = {}
    for key in vmx.entries:
        device, _, suffix = key.partition(".")
        if device in wanted:
            suffixes.setdefault(device, set()).add(suffix)
    return {slot: suffixes[slot] for slot in slots if slot in suffixes}
