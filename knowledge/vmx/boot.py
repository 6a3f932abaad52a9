"""Snippet for the boot order of a VM and its BIOS setup, to start a rescue disk."""

from knowledge.vmx.catalogue import P2V_NOTES, Built, Parameter, Snippet, Values, single
from knowledge.vmx.devices import ETHERNET, IDE, NVME, SATA, SCSI
from knowledge.vmx.parse import Vmx

_DEVICES = ("cdrom", "hdd", "floppy", *ETHERNET)
_DISKS = (*SCSI, *IDE, *SATA, *NVME)


def _boot(values: Values, into: Vmx | None) -> Built:
    order, disk = values["order"].split(","), values.get("boot_disk")
    settings = [("bios.bootOrder", ",".join(order))]
    if disk:
        settings.append(("bios.hddOrder", disk))
    settings.append(("bios.bootDelay", values["delay_ms"]))
    settings.append(("bios.forceSetupOnce", "TRUE" if values["setup_once"] == "true" else "FALSE"))
    notes = []
    if "hdd" in order and not disk and not (into and into.get("bios.hddOrder")):
        notes.append("With hdd in the order, the host also needs bios.hddOrder: give boot_disk, such as scsi0:0.")
    if into and (into.get("firmware") or "bios").lower() == "efi":
        notes.append("This VM has EFI firmware, which ignores the bios. settings. Set the order in its menu.")
    return single(settings, *notes)


SNIPPETS = (
    Snippet(
        name="boot-order",
        title="Boot order and BIOS setup",
        summary="Boots the VM from CD-ROM (a rescue disk) first, waits at the BIOS screen, and opens the BIOS setup.",
        parameters=(
            Parameter("order", "list", "devices to boot from, in order", "cdrom,hdd", _DEVICES),
            Parameter("boot_disk", "choice", "the disk that hdd means, such as scsi0:0", None, _DISKS),
            Parameter(
                "delay_ms", "integer", "wait at the BIOS screen, in milliseconds", "5000", minimum=0, maximum=60000
            ),
            Parameter("setup_once", "boolean", "opens the BIOS setup once, at the next power-on", "true"),
        ),
        notes=(
            "ESX 3.x and 4.0 ignore bios.bootOrder, which is new in 4.1. On these hosts, use the setup that "
            "forceSetupOnce opens, and put the CD-ROM drive before the hard disk.",
            "The host resets bios.forceSetupOnce by itself, but not the boot order. Reset it afterwards "
            "(order=hdd boot_disk=scsi0:0 setup_once=false delay_ms=0).",
            "Change the settings while the VM is powered off. For the rescue image, see cdrom-iso.",
        ),
        source=f"{P2V_NOTES}; VMware KB 2011654 (bios.bootOrder, bios.hddOrder); vSphere API BootOptions",
        certainty="documented; the limit of 60 seconds for the delay is added here",
        example={"boot_disk": "scsi0:0"},
        build=_boot,
    ),
)
