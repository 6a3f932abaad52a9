"""Checks of the VMX as a whole: required settings, virtual hardware version, memory, CPUs, and time synchronization."""

from collections.abc import Iterator

from knowledge.finding import Finding
from knowledge.hardware_versions import hardware_versions, newest_version
from knowledge.vmx.devices import hardware_version
from knowledge.vmx.lint_devices import oldest_hardware_for
from knowledge.vmx.parse import Vmx
from knowledge.vmx.tools import SYNC_KEY, SYNC_KEY_IN_NOTES

_RUNS_EVERYWHERE = 7
"""The newest hardware version that every host since ESX 4.0 runs, so that there is nothing to report about it."""

_REFUSED = "Hosts list a VM as invalid whose version is newer than their own, and do not power it on."


def missing_essentials(vmx: Vmx) -> Iterator[Finding]:
    """Report missing settings without which the VM does not power on or gets an unexpected name."""
    essential = (
        ("config.version", "8", "the version of the file format"),
        ("virtualHW.version", str(oldest_hardware_for(vmx)), "the virtual hardware, which decides the devices"),
        ("guestOS", "other", "the guest operating system, which decides the default devices"),
    )
    for key, example, meaning in essential:
        if not vmx.get(key):
            message = f"{key} is missing ({meaning}). A host refuses a VM without it."
            if key == "guestOS":
                message += " For a 64-bit guest, use other-64 or its own name."
            yield Finding("missing-key", "error", key, message, f'{key} = "{example}"')
    if not vmx.get("displayName"):
        message = "displayName is missing, so the VM is named after its file."
        yield Finding("missing-key", "warning", "displayName", message, 'displayName = "NAME"')


def version_of_the_hardware(vmx: Vmx) -> Iterator[Finding]:
    """Report the oldest host that runs the virtual hardware version, and a version that no host runs."""
    key = "virtualHW.version"
    number = hardware_version(vmx)
    where = vmx.where(key)
    if number is None:
        if vmx.get(key):
            fix = f'{key} = "{oldest_hardware_for(vmx)}"'
            yield Finding("bad-version", "error", where, f"{key} is not a whole number.", fix)
        return
    known = hardware_versions().get(number)
    newest = newest_version()
    if known is None and number > newest.number:
        message = f"Hardware version {number} is newer than the newest known, {newest.number} ({newest.first_product})."
        # A later release of ESX may have it, so this is no error.
        yield Finding("hardware-version", "warning", where, f"{message} {_REFUSED}")
    elif known is None:
        yield Finding("hardware-version", "warning", where, f"No product has hardware version {number}.")
    elif not known.oldest_host:
        message = f"Hardware version {number} is of {known.first_product}, and no ESXi release is known to run it."
        yield Finding("hardware-version", "warning", where, message)
    elif known.newest_host:
        message = f"Hardware version {number} runs on {known.newest_host} and older only; newer hosts refuse the VM."
        yield Finding("hardware-version", "warning", where, message)
    elif number > _RUNS_EVERYWHERE:
        message = f"Hardware version {number} needs {known.oldest_host} or later; older hosts list the VM as invalid."
        yield Finding("hardware-version", "info", where, message)


def memory_and_cpus(vmx: Vmx) -> Iterator[Finding]:
    """Report a memory size or a number of virtual CPUs with which the VM does not power on."""
    size = _number(vmx, "memSize")
    if size is not None and size % 4:
        message = f"memSize {size} is not a multiple of 4 MB, so the VM does not power on."
        fix = f'memSize = "{size + 4 - size % 4}"'
        yield Finding("memory-size", "error", vmx.where("memSize"), message, fix)
    cpus = _number(vmx, "numvcpus") or 1
    cores = _number(vmx, "cpuid.coresPerSocket") or 1
    if cpus % cores:
        message = f"numvcpus is {cpus}, which is not a multiple of cpuid.coresPerSocket ({cores})."
        where = vmx.where("cpuid.coresPerSocket")
        yield Finding("cores-per-socket", "error", where, message, 'cpuid.coresPerSocket = "1"')


def _number(vmx: Vmx, key: str) -> int | None:
    value = (vmx.get(key) or "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


def time_synchronization(vmx: Vmx) -> Iterator[Finding]:
    """Report periodic time synchronization by Tools instead of NTP in the guest, and a key that no product reads."""
    if vmx.flag(SYNC_KEY):
        message = (
            "Tools set the guest's clock periodically. VMware recommends NTP in the guest instead; use only one of "
            "the two."
        )
        yield Finding("tools-sync", "info", vmx.where(SYNC_KEY), message, f'{SYNC_KEY} = "FALSE"')
    elif vmx.get(SYNC_KEY_IN_NOTES) is not None and vmx.get(SYNC_KEY) is None:
        message = (
            f"{SYNC_KEY_IN_NOTES} has no effect: it is the spelling of the P2V notes, and VMware's products "
            f"read {SYNC_KEY}. Run NTP in the guest."
        )
        yield Finding("tools-sync", "info", vmx.where(SYNC_KEY_IN_NOTES), message)


RULES = (missing_essentials, version_of_the_hardware, memory_and_cpus, time_synchronization)
