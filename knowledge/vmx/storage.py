"""Snippets for SCSI controllers and the disks on them."""

from knowledge.vmx.catalogue import APPLIANCE_NOTES, LIBVIRT, P2V_NOTES, Built, Parameter, Snippet, Values, single
from knowledge.vmx.devices import PVSCSI, SCSI, SCSI_CONTROLLERS, free_slot, hardware_version, is_present
from knowledge.vmx.parse import Vmx

CONTROLLER_TYPES = ("buslogic", "lsilogic", "lsisas1068", "pvscsi")
NEEDS_HARDWARE_7 = frozenset({"lsisas1068", "pvscsi", "vmxnet3"})
"""Virtual devices that are new in virtual hardware version 7 (ESX 4.0)."""


def hardware_note(device: str, into: Vmx | None) -> tuple[str, ...]:
    """Return a warning when the virtual hardware version of `into` is too old for `device`, or nothing."""
    version = hardware_version(into)
    if device in NEEDS_HARDWARE_7 and version is not None and version < 7:
        return (f"This VMX has virtualHW.version {version}; {device} needs 7 (ESX 4.0) or newer.",)
    return ()


def _controller(values: Values, into: Vmx | None) -> Built:
    kind = values["type"]
    index = values.get("index")
    controller = f"scsi{index}" if index else free_slot(into, SCSI_CONTROLLERS)
    settings = [(f"{controller}.present", "TRUE"), (f"{controller}.virtualDev", kind)]
    return single(settings, *hardware_note(kind, into))


def _disk(values: Values, into: Vmx | None) -> Built:
    path = values["path"]
    slot = values.get("slot") or free_slot(into, SCSI, {"fileName": path})
    controller = slot.partition(":")[0]
    settings = [
        (f"{controller}.present", "TRUE"),
        (f"{slot}.present", "TRUE"),
        (f"{slot}.deviceType", "scsi-hardDisk"),
        (f"{slot}.fileName", path),
    ]
    if mode := values.get("mode"):
        settings.append((f"{slot}.mode", mode))
    notes = []
    if into and not is_present(into, controller):
        notes.append(
            f"{controller} is new in this VMX and has the default type for the guest. To set the type, use "
            f"scsi-controller index={controller[4:]}."
        )
    if slot not in SCSI:
        notes.append(f"{slot} needs a pvscsi controller and virtualHW.version 14 (ESXi 6.7) or newer.")
    return single(settings, *notes)


SNIPPETS = (
    Snippet(
        name="scsi-controller",
        title="SCSI controller type",
        summary="Sets the type of a SCSI controller, which decides the driver that the guest needs to boot.",
        parameters=(
            Parameter("type", "choice", "the controller that the guest sees", "lsilogic", CONTROLLER_TYPES),
            Parameter(
                "index",
                "choice",
                "controller number; default: the next free one (0 without a VMX); 0 changes the first one",
                None,
                ("0", "1", "2", "3"),
            ),
        ),
        notes=(
            "Before you change the boot controller, the initrd of the guest must have the driver: buslogic needs "
            "BusLogic (RHEL 3, CentOS 3 and older), lsilogic needs mptspi with mptscsih (RHEL 4, CentOS 4; the "
            "notes name mptscsih), lsisas1068 needs mptsas, pvscsi needs vmw_pvscsi.",
            "lsisas1068 and pvscsi need virtual hardware version 7 (ESX 4.0) or newer.",
            "buslogic does not work in 64-bit guests.",
        ),
        source=f"{P2V_NOTES}; {LIBVIRT}",
        certainty="documented",
        example={"type": "lsilogic"},
        build=_controller,
    ),
    Snippet(
        name="disk-scsi",
        title="Virtual SCSI disk",
        summary="Adds an existing VMDK as a SCSI disk instead of an IDE disk, as recommended for appliances.",
        parameters=(
            Parameter(
                "path", "path", "the VMDK descriptor: a file in the VM's directory, or a full path", required=True
            ),
            Parameter(
                "slot",
                "choice",
                "controller and unit; default: the next free one; unit 7 is reserved, and units above 15 need pvscsi",
                None,
                PVSCSI,
            ),
            Parameter(
                "mode",
                "choice",
                "disk mode; default: persistent",
                None,
                ("persistent", "independent-persistent", "independent-nonpersistent"),
            ),
        ),
        notes=(
            "The VMDK must exist already (vmkfstools -c makes one).",
            "Snapshots, and therefore backups, do not include an independent disk.",
            "For a disk that was IDE, also change ddb.adapterType in its descriptor to buslogic or lsilogic. The "
            "guest needs the SCSI driver in its initrd.",
        ),
        source=f"{APPLIANCE_NOTES}; {LIBVIRT}",
        certainty="documented",
        example={"path": "appliance_1.vmdk"},
        build=_disk,
    ),
)
