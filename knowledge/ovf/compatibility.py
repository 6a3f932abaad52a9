"""Checks what ESXi, vCenter and their clients refuse: OVF 2, foreign hardware, compressed disks.

The refusals are from public reports, which each function names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from knowledge.finding import Finding
from knowledge.hardware_versions import HardwareVersion, hardware_versions
from knowledge.ovf.descriptor import NOT_COMPRESSED, Descriptor
from knowledge.ovf.machines import Machine, place
from knowledge.ovf.quoting import quoted

_VMX = re.compile(r"vmx-0*([0-9]{1,3})", re.IGNORECASE)
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
_PROCESSOR_AND_MEMORY = {3: "CPU", 4: "memory"}
_IDE_CONTROLLER = 5
_SCSI_CONTROLLER = 6
_SCSI_SUBTYPES = frozenset({"buslogic", "lsilogic", "lsilogic-sas", "lsilogicsas", "pvscsi", "scsi", "virtualscsi"})
"""In lower case, from ovf/configspec.go and the descriptors of VMware in ovf/fixtures of vmware/govmomi."""

_RUNS_EVERYWHERE = 7
"""The newest hardware version that every host since ESX 4.0 runs, so that there is nothing to report about it."""


def check_compatibility(descriptor: Descriptor) -> Iterator[Finding]:
    """Yield a finding for each part of the package that VMware's importers refuse."""
    yield from _check_version(descriptor)
    yield from _check_compression(descriptor)
    for machine in descriptor.machines:
        yield from _check_section(machine)
        yield from _check_family(machine)
        yield from _check_order(machine)
        yield from _check_controllers(machine)
        yield from _check_processor_and_memory(machine)


def _check_version(descriptor: Descriptor) -> Iterator[Finding]:
    """Report OVF 2 (BlackArch/blackarch#1937, myspaghetti/macos-virtualbox#300)."""
    if not descriptor.ovf_2_parts:
        return
    yield Finding(
        "ovf-2",
        "warning",
        "descriptor",
        f"The descriptor is OVF 2 ({', '.join(descriptor.ovf_2_parts)}), which VMware's "
        "products refuse: Unsupported element, or Missing child element 'VirtualHardwareSection'.",
        "Export the VM as OVF 1.0; in VirtualBox: VBoxManage export VM --ovf10 -o x.ova",
    )


def _check_compression(descriptor: Descriptor) -> Iterator[Finding]:
    """Report compressed disk files (EMCECS/ECS-CommunityEdition#329, sexibytes/sexilog#49)."""
    of_disks = {disk.file_id for disk in descriptor.disks}
    for file in descriptor.files:
        is_compressed = file.compression not in NOT_COMPRESSED or file.href.lower().endswith(_COMPRESSED)
        if file.id in of_disks and is_compressed:
            yield Finding(
                "disk-compressed",
                "warning",
                f"line {file.line}",
                f"The disk file {quoted(file.href)} is compressed. vSphere clients since 6.5 refuse it: OVF package "
                "with compressed disks is currently not supported for OVF import.",
                "Import it with ovftool, or unpack the file, remove ovf:compression, and correct href, size and "
                "manifest; a stream-optimized VMDK is compressed already.",
            )


def _check_section(machine: Machine) -> Iterator[Finding]:
    """Report a VM without virtual hardware (dirkhh/adsb-feeder-image#67), or without an id (DMTF DSP0243)."""
    if not machine.id:
        message = "A VM has no id, so importers refuse the package."
        yield Finding("vm-id", "error", f"line {machine.line}", message, "Add ovf:id to the VirtualSystem.")
    if not machine.has_hardware:
        yield Finding(
            "hardware-section-missing",
            "error",
            f"line {machine.line}",
            f"VM {quoted(machine.id)} has no VirtualHardwareSection, so importers refuse the package: Missing child "
            "element 'VirtualHardwareSection'.",
            "Export the VM again, as OVF 1.0.",
        )


def _check_family(machine: Machine) -> Iterator[Finding]:
    """Report hardware families that no ESXi release runs, or which one does; a list means any of its families.

    Sources: owncloud-archive/vm#53, cyphonmdr/cyphon#176, librenms/packer-builds#36, RROrg/rr#2724.
    """
    if not machine.families:
        return
    where = f"line {machine.families[0][0]}"
    stated = " ".join(text for _, text in machine.families)
    numbers = [int(found[1]) for word in re.split(r"[\s,]+", stated) if (found := _VMX.fullmatch(word))]
    known = [version for number in numbers if (version := hardware_versions().get(number)) and _is_current(version)]
    if not numbers:
        message = (
            f"Hardware family {quoted(stated)} is not VMware's. ESXi and vCenter refuse the package: Unsupported "
            "hardware family."
        )
        fix = (
            "Set VirtualSystemType to a family that your hosts run, such as vmx-13, and write the manifest again. Or "
            "convert the package: ovftool --lax x.ova y.ovf"
        )
        yield Finding("hardware-family", "error", where, message, fix)
    elif not known:
        message = f"No current ESXi release is known to run hardware family {quoted(stated)}."
        fix = "Export the VM with a hardware version that your hosts run, or correct VirtualSystemType."
        yield Finding("hardware-version", "warning", where, message, fix)
    elif (oldest := min(known, key=lambda version: version.number)).number > _RUNS_EVERYWHERE:
        message = f"Hardware family vmx-{oldest.number:02d} needs {oldest.oldest_host} or later."
        fix = "For older hosts, export the VM with an older hardware version."
        yield Finding("hardware-version", "info", where, message, fix)


def _is_current(version: HardwareVersion) -> bool:
    return bool(version.oldest_host) and not version.newest_host


def _check_order(machine: Machine) -> Iterator[Finding]:
    """Report Items whose elements are not sorted, as DMTF DSP0243 requires.

    ESXi and ovftool refuse them (home-assistant/operating-system#660, vyos-legacy/vyos-vm-images#48); vCenter's content
    library does not.
    """
    for device in machine.devices:
        if device.misplaced:
            yield Finding(
                "item-order",
                "warning",
                place(device),
                f"Element {quoted(device.misplaced)} is not in alphabetical order in its Item, as OVF 1 requires. ESXi "
                f"refuses the package: Unsupported element {quoted(device.misplaced)}.",
                "Sort the elements of the Item by their names, and update the manifest.",
            )


def _check_controllers(machine: Machine) -> Iterator[Finding]:
    """Report controllers of other products (inverse-inc/packetfence#5522, Graylog2/graylog2-images#211).

    A SCSI controller can list several subtypes, of which an importer takes one that it knows.
    """
    for device in machine.devices:
        if device.type == _IDE_CONTROLLER and device.subtype:
            message = f"The IDE controller has the ResourceSubType {quoted(device.subtype)}."
            fix = "Remove ResourceSubType from the Item, and update the manifest."
        elif device.type == _SCSI_CONTROLLER and device.subtype and not _names_scsi(device.subtype):
            message = f"VMware's products do not have the SCSI controller {quoted(device.subtype)}."
            fix = "Use lsilogic or VirtualSCSI, check that the guest boots, and update the manifest."
        else:
            continue
        yield Finding(
            "controller-subtype",
            "warning",
            place(device),
            f"{message} vCenter 6.5 and later can refuse the package: Value of ResourceSubType element not found.",
            fix,
        )


def _names_scsi(subtypes: str) -> bool:
    return not _SCSI_SUBTYPES.isdisjoint(re.split(r"[\s,]+", subtypes))


def _check_processor_and_memory(machine: Machine) -> Iterator[Finding]:
    """Report a second CPU or memory Item in a deployment option (vmware/open-vmdk#21)."""
    first: dict[tuple[int, str], str] = {}
    for device in machine.devices:
        if device.type not in _PROCESSOR_AND_MEMORY:
            continue
        for option in device.configurations or ("",):
            if first.setdefault((device.type, option), device.id) != device.id:
                name = _PROCESSOR_AND_MEMORY[device.type]
                yield Finding(
                    "resource-twice",
                    "error",
                    place(device),
                    f"The VM has two {name} Items. vCenter refuses the package: Multiple elements are not allowed.",
                    "Keep one of them, or correct the ResourceType of the other one.",
                )
                break
