"""Checks of the VMX as a whole: what it must name, and how the guest keeps its time."""

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
    """Without these the VM does not power on, or gets an unexpected name."""
    for key, example, meaning in _ESSENTIAL:
        if not vmx.get(key):
            message = f"{key} is missing: {meaning}. A host refuses a VM without it."
            yield Finding("missing-key", "error", key, message, f'{key} = "{example}"')
    if not vmx.get("displayName"):
        message = "displayName is missing: the VM gets a name from its file."
        yield Finding("missing-key", "warning", "displayName", message, 'displayName = "NAME"')


def hardware_version_is_a_number(vmx: Vmx) -> Iterator[Finding]:
    """`virtualHW.version` is a small whole number."""
    if vmx.get("virtualHW.version") and hardware_version(vmx) is None:
        message = "virtualHW.version is not a whole number."
        yield Finding("bad-version", "error", vmx.where("virtualHW.version"), message, 'virtualHW.version = "4"')


def time_synchronization(vmx: Vmx) -> Iterator[Finding]:
    """Whether Tools keep the guest's clock, and whether the key for it is the one that is read."""
    fix = f'{SYNC_KEY} = "TRUE"'
    in_notes = vmx.get(SYNC_KEY_IN_NOTES)
    if vmx.get(SYNC_KEY) is not None:
        if not vmx.flag(SYNC_KEY):
            message = "Tools do not keep the clock of the guest: right if it runs NTP, and only then."
            yield Finding("tools-sync", "info", vmx.where(SYNC_KEY), message, fix)
    elif in_notes is not None:
        message = f"{SYNC_KEY_IN_NOTES} is how the P2V notes spell it; the key that is read is {SYNC_KEY}."
        yield Finding("tools-sync", "warning", vmx.where(SYNC_KEY_IN_NOTES), message, fix)
    else:
        message = "Nothing says whether Tools keep the clock of the guest; set it, or run NTP in the guest."
        yield Finding("tools-sync", "warning", SYNC_KEY, message, fix)


RULES = (missing_essentials, hardware_version_is_a_number, time_synchronization)
