"""Checks the best practices for appliances: SCSI disks, empty drives, and VMware Tools."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.finding import Finding
from knowledge.ovf.descriptor import BACKING, Descriptor
from knowledge.ovf.identity import check_identity
from knowledge.ovf.machines import Device, Machine, place
from knowledge.ovf.quoting import quoted

IDE_CONTROLLER = 5
DISK_DRIVE = 17
LOGICAL_DISK = 31
"""The type of a StorageItem in OVF 2, which is not attached to a controller."""

_DRIVES = {14: ("floppy", "floppy drive"), 15: ("cdrom", "CD-ROM drive"), 16: ("cdrom", "DVD drive")}


def check_hardware(descriptor: Descriptor) -> Iterator[Finding]:
    """Yield the findings about the virtual hardware of each VM."""
    if not descriptor.machines and descriptor.has_collection:
        yield Finding(
            rule="no-vm",
            severity="warning",
            where="descriptor",
            message="The descriptor contains a vApp without a VM, so an import creates an empty vApp.",
            fix="Export the vApp again with its VMs.",
        )
    elif not descriptor.machines:
        yield Finding(
            rule="no-vm",
            severity="error",
            where="descriptor",
            message="The descriptor contains no VM: a VirtualSystem element is missing.",
            fix="Export the VM again.",
        )
    for machine in descriptor.machines:
        if machine.has_hardware:
            yield from _check_disks(machine)
        for device in machine.devices:
            if device.type in _DRIVES:
                yield from _check_drive(device)
        yield from check_identity(machine, descriptor.deployment_options)
        yield from _check_tools(machine)


def _check_disks(machine: Machine) -> Iterator[Finding]:
    kinds = {device.id: device.type for device in machine.devices}
    disks = [device for device in machine.devices if device.type == DISK_DRIVE]
    if not disks and LOGICAL_DISK not in kinds.values():
        yield Finding(
            rule="vm-without-disk",
            severity="warning",
            where=f"line {machine.line}",
            message=f"VM {quoted(machine.id)} has no disk.",
            fix="Export the VM with its disks; some exports omit independent disks and raw device mappings.",
        )
    for disk in disks:
        if not disk.parent:
            yield Finding(
                rule="disk-without-controller",
                severity="warning",
                where=place(disk),
                message="The disk is not attached to a controller, so each importer chooses one.",
                fix="Give the disk a Parent: the InstanceID of a SCSI controller.",
            )
        elif kinds.get(disk.parent) == IDE_CONTROLLER:
            yield Finding(
                rule="disk-on-ide",
                severity="warning",
                where=place(disk),
                message="The disk is on an IDE controller; virtual SCSI is faster and more portable between hosts.",
                fix="Attach the disk to a SCSI controller in the VM, check that the guest boots, and export again.",
            )


def _check_drive(device: Device) -> Iterator[Finding]:
    kind, drive = _DRIVES[device.type or 0]
    in_package = any(BACKING.fullmatch(backing) for backing in device.backing)
    if device.connected and not in_package:
        yield Finding(
            rule=f"{kind}-connected",
            severity="warning",
            where=place(device),
            message=f"The {drive} is connected at power-on; its medium is missing on other hosts or blocks migration.",
            fix="Disconnect it in the VM and export again, or set AutomaticAllocation to false.",
        )
    elif device.connected is None:
        yield Finding(
            rule=f"{kind}-connection-unsaid",
            severity="info",
            where=place(device),
            message=f"The descriptor does not state whether the {drive} is connected at power-on; importers differ.",
            fix="Set AutomaticAllocation to false.",
        )
    if device.backing:
        yield Finding(
            rule=f"{kind}-media",
            severity="info" if in_package else "warning",
            where=place(device),
            message=f"The {drive} contains a medium: {quoted(device.backing[0])}.",
            fix="Remove the medium and export again, unless the appliance is meant to boot from it.",
        )


def _check_tools(machine: Machine) -> Iterator[Finding]:
    """Report a VM without any sign of VMware Tools; a descriptor never states for certain that they are installed."""
    if any(key.lower().startswith(("tools.", "guestinfo.vmtools")) for key, _ in machine.settings):
        return
    yield Finding(
        rule="tools-unsaid",
        severity="info",
        where=f"line {machine.line}",
        message=f"The descriptor has no sign of VMware Tools in VM {quoted(machine.id)}.",
        fix="Install open-vm-tools or VMware Tools in the guest before the export; check with 'vmware-toolbox-cmd -v'.",
    )
