"""Checks of the VMX as a whole: required settings, and time synchronization of the guest."""

from collections.abc import Iterator

from knowledge.finding import Finding
from knowledge.vmx.devices import hardware_version
from knowledge.vmx.parse import Vmx
from knowledge.vmx.tools import SYNC_KEY, SYNC_KEY_IN_NOTES

_ESSENTIAL = (
    ("config.version", "8", "the version of the file format"),
    ("virtualHW.version", "4", "the virtual hardware (4 is ESX 3.5, 7 is ESX 4.0, 8 is ESXi 5.0)"),
    ("guestOS", "other", "the guest operating system, which decides the default devices"),
)


def missing_essentials(vmx: Vmx) -> Iterator[Finding]:
    """Report missing settings without which the VM does not power on or gets an unexpected name."""
    for key, example, meaning in _ESSENTIAL:
        if not vmx.get(key):
            message = f"{key} is missing ({meaning}). A host refuses a VM without it."
            yield Finding("missing-key", "error", key, message, f'{key} = "{example}"')
    if not vmx.get("displayName"):
        message = "displayName is missing, so the VM is named after its file."
        yield Finding("missing-key", "warning", "displayName", message, 'displayName = "NAME"')


def hardware_version_is_a_number(vmx: Vmx) -> Iterator[Finding]:
    """Report a `virtualHW.version` that is not a small whole number."""
    if vmx.get("virtualHW.version") and hardware_version(vmx) is None:
        message = "virtualHW.version is not a whole number."
        yield Finding("bad-version", "error", vmx.where("virtualHW.version"), message, 'virtualHW.version = "4"')


def time_synchronization(vmx: Vmx) -> Iterator[Finding]:
    """Report whether Tools synchronize the guest's clock, and a setting whose key no product reads."""
    fix = f'{SYNC_KEY} = "TRUE"'
    in_notes = vmx.get(SYNC_KEY_IN_NOTES)
    if vmx.get(SYNC_KEY) is not None:
        if not vmx.flag(SYNC_KEY):
            message = "Tools do not synchronize the guest's clock, which is correct only if the guest runs NTP."
            yield Finding("tools-sync", "info", vmx.where(SYNC_KEY), message, fix)
    elif in_notes is not None:
        message = f"{SYNC_KEY_IN_NOTES} is the spelling of the P2V notes; VMware's products read {SYNC_KEY}."
        yield Finding("tools-sync", "warning", vmx.where(SYNC_KEY_IN_NOTES), message, fix)
    else:
        message = "No setting for time synchronization by Tools; add it, or run NTP in the guest."
        yield Finding("tools-sync", "warning", SYNC_KEY, message, fix)


RULES = (missing_essentials, hardware_version_is_a_number, time_synchronization)
