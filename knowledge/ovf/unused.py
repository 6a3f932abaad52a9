"""Checks that disks and files of a package are used, with advice that fits what an unused file is."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.finding import Finding
from knowledge.ovf.descriptor import BACKING, Descriptor, Disk, File
from knowledge.ovf.quoting import quoted

_DISK_IMAGES = (".vmdk", ".vhd", ".vhdx", ".img", ".qcow2", ".vdi", ".raw")
_MEDIA = (".iso", ".flp")
_OF_THE_HOST = (".vmx", ".vmxf", ".vmsd", ".vmss", ".vmsn", ".vswp", ".log")
_MOST_NAMES = 5


def check_unused(descriptor: Descriptor) -> Iterator[Finding]:
    """Yield findings for disks that belong to no VM, and for files that nothing in the descriptor refers to."""
    named = {
        (found[1], found[2])
        for machine in descriptor.machines
        for device in machine.devices
        for backing in device.backing
        if (found := BACKING.fullmatch(backing))
    }
    parents = {disk.parent_id for disk in descriptor.disks}
    disks = [disk for disk in descriptor.disks if ("disk", disk.id) not in named and disk.id not in parents]
    yield from _unused_disks(disks, has_options=bool(descriptor.deployment_options))
    used = descriptor.used_files | {name for kind, name in named if kind == "file"}
    for file in descriptor.files:
        if file.id not in used:
            yield _unused_file(file)


def _unused_disks(disks: list[Disk], *, has_options: bool) -> Iterator[Finding]:
    """Report each disk, or in one info those of a package whose deployment options choose among many disk sizes."""
    if disks and has_options:
        names = ", ".join(quoted(disk.id) for disk in disks[:_MOST_NAMES])
        more = f" and {len(disks) - _MOST_NAMES} more" if len(disks) > _MOST_NAMES else ""
        noun = "1 disk belongs" if len(disks) == 1 else f"{len(disks)} disks belong"
        message = f"{noun} to no VM in any deployment option, so importers do not create them: {names}{more}."
        fix = "Nothing needs to change if each deployment option has the disks that it needs."
        yield Finding("disk-unused", "info", f"line {disks[0].line}", message, fix)
        return
    for disk in disks:
        message = f"Disk {quoted(disk.id)} belongs to no VM."
        yield Finding("disk-unused", "warning", f"line {disk.line}", message, "Attach it to a VM or remove it.")


def _unused_file(file: File) -> Finding:
    name = file.href.lower()
    message = f"Nothing in the descriptor uses file {quoted(file.href)}."
    if name.endswith(".nvram"):
        message += " It has the EFI variables, secure boot keys and vTPM state of a VM, which importers do not restore."
        setting = f'<vmw:ExtraConfig ovf:required="false" vmw:key="nvram" vmw:value="ovf:/file/{file.id}"/>'
        fix = f"Keep the file, and refer to it in the VirtualHardwareSection of its VM: {setting}"
    elif name.endswith(_DISK_IMAGES):
        message += " No disk has its data, so importers do not attach it."
        fix = "If a VM needs it, add a Disk and an Item for it; otherwise remove it and its line in the manifest."
    elif name.endswith(_MEDIA):
        fix = "If a VM needs it, put it in a drive of the VM; keep it if a tool of the appliance reads it."
    elif name.endswith(_OF_THE_HOST):
        fix = "It describes the VM on its old host, and importers ignore it. Remove it and its line in the manifest."
    else:
        fix = "Importers ignore it. Keep it if a tool of the appliance reads it; otherwise remove it."
    return Finding("file-unused", "info", f"line {file.line}", message, fix)
