"""VMware Tools: time synchronization, and what an appliance should say before it is handed out."""

from knowledge.vmx.catalogue import APPLIANCE_NOTES, P2V_NOTES, Built, Parameter, Snippet, Values, single
from knowledge.vmx.parse import Vmx
from knowledge.vmx.removable import disconnected_cdroms, disconnected_floppies

SYNC_KEY = "tools.syncTime"
"""The key that VMware's own products write and read."""
SYNC_KEY_IN_NOTES = "tools.timeSync"
"""The same two words the other way round, as the P2V notes spell the key."""


def _sync(values: Values, into: Vmx | None) -> Built:  # noqa: ARG001 - every build takes the VMX
    value = "TRUE" if values["enabled"] == "true" else "FALSE"
    settings = [(SYNC_KEY, value)]
    if values["documented_key"] == "true":
        settings.append((SYNC_KEY_IN_NOTES, value))
    return single(settings)


def _appliance(values: Values, into: Vmx | None) -> Built:
    settings = [
        ("annotation", values["annotation"]),
        ("tools.upgrade.policy", values["tools_upgrade"]),
        ("uuid.action", "create"),
        *disconnected_cdroms(into),
        *disconnected_floppies(into),
    ]
    if name := values.get("name"):
        settings.insert(0, ("displayName", name))
    return single(settings)


SNIPPETS = (
    Snippet(
        name="tools-timesync",
        title="Time synchronization by VMware Tools",
        summary="Lets VMware Tools keep the guest's clock at the host's time, instead of NTP in the guest.",
        parameters=(
            Parameter("enabled", "boolean", "false turns the periodic synchronization off", "true"),
            Parameter(
                "documented_key", "boolean", "also write the key as the P2V notes spell it, tools.timeSync", "true"
            ),
        ),
        notes=(
            "The P2V notes write tools.timeSync. VMware's products write and read tools.syncTime, so that line "
            "does the work; the other is not known to be read by anything, and does no harm. "
            "documented_key=false leaves it out.",
            "Use one clock keeper only: turn NTP in the guest off, or leave this off. The notes (for kernels of "
            "2006) prefer Tools, with clock=pit on the guest's kernel line; VMware's later documentation prefers "
            "NTP in the guest.",
            "It needs VMware Tools running in the guest. Some events (resume, snapshot, start of Tools) set the "
            "clock also when this is off.",
        ),
        source=f"{P2V_NOTES}; VMware Tools documentation, time synchronization; VMware KB 1189",
        certainty="tools.syncTime is documented; tools.timeSync stands in the P2V notes only",
        example={},
        build=_sync,
    ),
    Snippet(
        name="appliance",
        title="Appliance settings",
        summary="What a virtual appliance should say: what it is, Tools kept current, own identity, drives off.",
        parameters=(
            Parameter("annotation", "text", "what the appliance is, its version, whom to ask", required=True),
            Parameter("name", "text", "display name; left out, it is not changed"),
            Parameter(
                "tools_upgrade",
                "choice",
                "whether a newer Tools is installed at power on",
                "upgradeAtPowerCycle",
                ("upgradeAtPowerCycle", "manual"),
            ),
        ),
        notes=(
            "Of the building practices these can be said in a VMX: CD-ROM and floppy drives not connected, Tools "
            "kept current, a new UUID for each copy (uuid.action). SCSI disks are disk-scsi and scsi-controller; "
            "installing Tools is done in the guest.",
            "Isolation settings are left to whoever runs the appliance: the practices do not ask for them.",
        ),
        source=f"{APPLIANCE_NOTES} (2007)",
        certainty="the practices are documented; which keys express them is our reading",
        example={"annotation": "Mail relay 1.2, ask ops@example.com"},
        build=_appliance,
    ),
)
