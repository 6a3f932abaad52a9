"""Snippets for CD-ROM and floppy drives: an ISO to boot from, and drives that are not connected at power-on."""

from knowledge.vmx.catalogue import (
    APPLIANCE_NOTES,
    LIBVIRT,
    P2V_NOTES,
    Built,
    InvalidParameterError,
    Parameter,
    Settings,
    Snippet,
    Values,
    single,
)
from knowledge.vmx.devices import FLOPPY, IDE, SLOTS, cdroms, free_slot
from knowledge.vmx.parse import Vmx

_CD_SLOTS = tuple(slot for slots in SLOTS.values() for slot in slots)


def _iso(values: Values, into: Vmx | None) -> Built:
    path, slot = values["path"], _cd_slot(values, into)
    controller = slot.partition(":")[0]
    settings = [] if controller.startswith("ide") else [(f"{controller}.present", "TRUE")]
    settings += [
        (f"{slot}.present", "TRUE"),
        (f"{slot}.deviceType", "cdrom-image"),
        (f"{slot}.fileName", path),
        (f"{slot}.startConnected", "TRUE" if values["connected"] == "true" else "FALSE"),
    ]
    settings += [
        (f"{slot}.{leftover}", "FALSE")
        for leftover in ("clientDevice", "autodetect")
        if into and into.get(f"{slot}.{leftover}") is not None
    ]
    if into and slot in cdroms(into):
        return single(settings, f"{slot} is the existing CD-ROM drive of this VMX; its medium is replaced.")
    return single(settings)


def _cd_slot(values: Values, into: Vmx | None) -> str:
    bus, slot = values.get("bus"), values.get("slot")
    if slot:
        if bus and not slot.startswith(bus):
            raise InvalidParameterError(f"slot={slot} is not on bus={bus}. Give only one of the two.")
        return slot
    if into:
        for drive in cdroms(into):
            if not bus or drive.startswith(bus):
                return drive
    return free_slot(into, SLOTS[bus or "ide"])


def _cdrom_disconnected(values: Values, into: Vmx | None) -> Built:
    settings = disconnected_cdroms(into, keep=values["keep_drive"] == "true")
    return (
        single(settings) if settings else single([], "This VMX has no CD-ROM drive, so there is nothing to disconnect.")
    )


def disconnected_cdroms(into: Vmx | None, *, keep: bool = True) -> Settings:
    """Return settings with which no CD-ROM drive of `into` connects at power-on; without a VMX, those of ide1:0.

    With `keep` false, the settings remove the drives.
    """
    if into is None:
        drive = IDE[0]
        if not keep:
            return [(f"{drive}.present", "FALSE")]
        return [
            (f"{drive}.present", "TRUE"),
            (f"{drive}.deviceType", "cdrom-raw"),
            (f"{drive}.startConnected", "FALSE"),
        ]
    last = "startConnected" if keep else "present"
    return [(f"{drive}.{last}", "FALSE") for drive in cdroms(into)]


def _floppy_disconnected(values: Values, into: Vmx | None) -> Built:
    return single(disconnected_floppies(into, keep=values["keep_drive"] == "true"))


def disconnected_floppies(into: Vmx | None, *, keep: bool = True) -> Settings:
    """Return settings with which no floppy drive connects at power-on or, with `keep` false, that remove the drives.

    floppy0 is always included, because it is present without a setting.
    """
    drives = [
        drive
        for drive in FLOPPY
        if drive == FLOPPY[0] or (into and any(key.startswith(f"{drive}.") for key in into.entries))
    ]
    if not keep:
        return [(f"{drive}.present", "FALSE") for drive in drives]
    return [(f"{drive}.startConnected", "FALSE") for drive in drives]


_KEEP = Parameter("keep_drive", "boolean", "false removes the drive", "true")

SNIPPETS = (
    Snippet(
        name="cdrom-iso",
        title="CD-ROM from an ISO image",
        summary="Puts an ISO into the VM's CD-ROM drive: a rescue system, an installation CD or the Tools image.",
        parameters=(
            Parameter("path", "path", "full path of the ISO on the host", required=True),
            Parameter("connected", "boolean", "whether it is connected at power-on", "true"),
            Parameter("bus", "choice", "bus for a new drive; default: ide", None, ("ide", "sata", "scsi")),
            Parameter(
                "slot",
                "choice",
                "slot such as ide1:0; default: the CD-ROM drive of the VMX, or the next free slot",
                None,
                _CD_SLOTS,
            ),
        ),
        notes=(
            "On ESX 3.x the Tools image for Linux guests is /usr/lib/vmware/isoimages/linux.iso.",
            "Remove the ISO when you no longer need it: the VM cannot move to a host without access to it.",
            "To boot from it, set the boot order: see boot-order.",
        ),
        source=f"{P2V_NOTES}; {LIBVIRT}",
        certainty="documented",
        example={"path": "/vmfs/volumes/images/systemrescuecd.iso"},
        build=_iso,
    ),
    Snippet(
        name="cdrom-disconnected",
        title="CD-ROM drive, not connected",
        summary="Keeps the CD-ROM drives but does not connect them at power-on, as recommended for appliances.",
        parameters=(_KEEP,),
        notes=("With a VMX, it applies to every CD-ROM drive in it; without one, to the usual drive at ide1:0.",),
        source=f"{APPLIANCE_NOTES}; {LIBVIRT}",
        certainty="documented",
        example={},
        build=_cdrom_disconnected,
    ),
    Snippet(
        name="floppy-disconnected",
        title="Floppy drive, not connected",
        summary="Does not connect the floppy drive at power-on, as recommended for appliances.",
        parameters=(_KEEP,),
        notes=("floppy0 is present and connected by default, so the VMX needs a setting to disconnect it.",),
        source=f"{APPLIANCE_NOTES}; {LIBVIRT}",
        certainty="documented",
        example={},
        build=_floppy_disconnected,
    ),
)
