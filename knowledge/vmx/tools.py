"""Snippets for VMware Tools: time synchronization, and the settings of an appliance."""

from knowledge.vmx.catalogue import APPLIANCE_NOTES, P2V_NOTES, Built, Parameter, Snippet, Values, single
from knowledge.vmx.parse import Vmx
from knowledge.vmx.removable import disconnected_cdroms, disconnected_floppies

SYNC_KEY = "tools.syncTime"
"""The key that VMware's own products write and read."""
SYNC_KEY_IN_NOTES = "tools.timeSync"
"""The key as the P2V notes spell it, with its two words in the other order."""


def _sync(values: Values, into: Vmx | None) -> Built:  # noqa: ARG001 - every build function has the VMX as an argument
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
        summary="Lets VMware Tools synchronize the clock of a guest that cannot run NTP, or turns this off.",
        parameters=(
            Parameter("enabled", "boolean", "false turns the periodic synchronization off", "true"),
            Parameter(
                "documented_key",
                "boolean",
                "also write the key in the spelling of the P2V notes, tools.timeSync",
                "true",
            ),
        ),
        notes=(
            "VMware recommends NTP (or the Windows Time service) in the guest: turn this off there with enabled=false. "
            "Use only one of the two. The notes, for kernels of 2006, prefer Tools, with clock=pit on the guest's "
            "kernel line.",
            "The P2V notes write tools.timeSync. VMware's products write and read tools.syncTime, so only that line "
            "has an effect. No product is known to read the other one, which does no harm. To omit it, use "
            "documented_key=false.",
            "VMware Tools must run in the guest. Some events (resume, snapshot, start of Tools) set the clock even "
            "when this is off.",
        ),
        source=f"{P2V_NOTES}; VMware Tools documentation, time synchronization; VMware KB 1189",
        certainty="tools.syncTime is documented; tools.timeSync is only in the P2V notes",
        example={},
        build=_sync,
    ),
    Snippet(
        name="appliance",
        title="Appliance settings",
        summary="Settings for a virtual appliance: description, current Tools, a new UUID, disconnected drives.",
        parameters=(
            Parameter("annotation", "text", "what the appliance is, its version, its contact", required=True),
            Parameter("name", "text", "display name; default: not changed"),
            Parameter(
                "tools_upgrade",
                "choice",
                "whether a newer version of Tools is installed at power-on",
                "upgradeAtPowerCycle",
                ("upgradeAtPowerCycle", "manual"),
            ),
        ),
        notes=(
            "These are the best practices that a VMX can express: disconnected CD-ROM and floppy drives, current "
            "Tools, a new UUID for each copy (uuid.action). For SCSI disks, see disk-scsi and scsi-controller. Install "
            "Tools in the guest.",
            "Remove uuid.action after the appliance is deployed: with create, the VM gets a new UUID also when it is "
            "only moved, and backups and scripts that know it by its UUID lose it.",
            "The practices do not include isolation settings; they are up to the operator of the appliance.",
        ),
        source=f"{APPLIANCE_NOTES} (2007)",
        certainty="the practices are documented; the choice of keys for them is inferred",
        example={"annotation": "Mail relay 1.2, ask ops@example.com"},
        build=_appliance,
    ),
)
