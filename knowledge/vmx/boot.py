"""Boot order of a VM, and the way into its BIOS setup, to start a rescue disk."""

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
        notes.append("With hdd in the order the host wants bios.hddOrder too: give boot_disk, such as scsi0:0.")
    if into and (into.get("firmware") or "bios").lower() == "efi":
        notes.append("This VM has EFI firmware, which does not read the bios. settings: set the order in its menu.")
    return single(settings, *notes)


SNIPPETS = (
    Snippet(
        name="boot-order",
        title="Boot order and BIOS setup",
        summary="Boots the VM from CD-ROM (a rescue disk) first, waits at the BIOS screen, or opens its setup.",
        parameters=(
            Parameter("order", "list", "devices to boot from, the first one first", "cdrom,hdd", _DEVICES),
            Parameter("boot_disk", "choice", "the disk that hdd means, such as scsi0:0", None, _DISKS),
            Parameter(
                "delay_ms", "integer", "wait at the BIOS screen, in milliseconds", "5000", minimum=0, maximum=60000
            ),
            Parameter("setup_once", "boolean", "opens the BIOS setup at the next power on, once", "true"),
        ),
        notes=(
            "ESX 3.x and 4.0 do not read bios.bootOrder (it came with 4.1); there the setup that forceSetupOnce "
            "opens is the way: put the CD-ROM drive before the hard disk.",
            "The host resets bios.forceSetupOnce by itself; the boot order stays, so set it back afterwards "
            "(order=hdd boot_disk=scsi0:0 setup_once=false delay_ms=0).",
            "Change it while the VM is powered off, and see cdrom-iso for the rescue image.",
        ),
        source=f"{P2V_NOTES}; VMware KB 2011654 (bios.bootOrder, bios.hddOrder); vSphere API BootOptions",
        certainty="documented; the bound of 60 seconds on the delay is ours",
        example={"boot_disk": "scsi0:0"},
        build=_boot,
    ),
)
