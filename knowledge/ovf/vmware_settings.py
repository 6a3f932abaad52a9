"""Checks VMware's own settings, Config and ExtraConfig, that an importer must support or else refuse the package.

A setting is required unless it has ``ovf:required="false"`` (DMTF DSP0243, 7.3). VMware's exporters write that for all.
"""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.finding import Finding
from knowledge.ovf.descriptor import systems
from knowledge.ovf.quoting import quoted
from knowledge.ovf.xml import Element

_CONFIG_KEYS = frozenset(
    {
        "allowUnrestrictedCommunication",
        "autoConnectDevices",
        "bootOptions.efiSecureBootEnabled",
        "connectable.allowGuestControl",
        "cpuAllocation.shares.level",
        "cpuAllocation.shares.shares",
        "cpuHotAddEnabled",
        "cpuHotRemoveEnabled",
        "ehciEnabled",
        "enable3DSupport",
        "enableMPTSupport",
        "firmware",
        "fixedPassthruHotPlugEnabled",
        "flags.vbsEnabled",
        "flags.vvtdEnabled",
        "graphicsMemorySizeInKB",
        "guestReadOnly",
        "memoryHotAddEnabled",
        "motherboardLayout",
        "nestedHVEnabled",
        "numDisplays",
        "pmem.snapshotMode",
        "powerOpInfo.powerOffType",
        "powerOpInfo.resetType",
        "powerOpInfo.standbyAction",
        "powerOpInfo.suspendType",
        "sevEnabled",
        "sevSnpEnabled",
        "sharesLevel",
        "simultaneousThreads",
        "tdxEnabled",
        "tools.afterPowerOn",
        "tools.afterResume",
        "tools.beforeGuestReboot",
        "tools.beforeGuestShutdown",
        "tools.beforeGuestStandby",
        "tools.syncTimeWithHost",
        "tools.syncTimeWithHostAllowed",
        "tools.toolsUpgradePolicy",
        "uptCompatibilityEnabled",
        "uptv2Enabled",
        "use3dRenderer",
        "useAutoDetect",
        "uuid",
        "vPMCEnabled",
        "videoRamSizeInKB",
        "virtualDev",
        "virtualDiskFormat",
        "virtualICH7MPresent",
        "virtualSMCPresent",
        "wakeOnLanEnabled",
        "yieldOnPoll",
    }
)
"""The keys in ovf/configspec.go and in the descriptors of VMware in ovf/fixtures of vmware/govmomi."""

_CONFIG_FAMILIES = ("backing.", "deviceGroupInfo.", "dvx.", "sgxInfo.", "slotInfo.", "storageIOAllocation.")
"""How other keys in those descriptors begin."""

_MOST_NAMES = 5


def check_vmware_settings(root: Element) -> Iterator[Finding]:
    """Yield findings about the required settings of each VM in ``root``."""
    for machine in systems(root):
        required = [element for element in machine.walk() if _is_required(element)]
        yield from _check_configs([element for element in required if element.name == "Config"])
        yield from _check_extra_configs([element for element in required if element.name == "ExtraConfig"])


def _is_required(element: Element) -> bool:
    is_setting = element.name in {"Config", "ExtraConfig"} and "vmware.com/" in element.namespace
    return is_setting and element.attributes.get("required", "true").lower() not in {"false", "0"}


def _check_configs(elements: list[Element]) -> Iterator[Finding]:
    """Report keys that a standalone ESXi host refuses, as tools.syncTime (sexibytes/sexigraf#240, #241)."""
    for element in elements:
        key = element.attributes.get("key", "")
        if key not in _CONFIG_KEYS and not key.startswith(_CONFIG_FAMILIES):
            yield Finding(
                "config-required",
                "warning",
                f"line {element.line}",
                f"Config {quoted(key)} is required but not a known setting. ESXi without vCenter refuses the package: "
                f"Unable to parse {quoted(key)} for attribute 'key' on element 'Config'.",
                'Correct the key, or add ovf:required="false".',
            )


def _check_extra_configs(elements: list[Element]) -> Iterator[Finding]:
    """Report required advanced settings, once for a VM (GNS3/gns3-vm#40).

    Without an explicit ``required`` it is an info, because VMware's own appliances have such settings.
    """
    others = [element for element in elements if element.attributes.get("key", "").lower() != "nvram"]
    if not others:
        return
    keys = list(dict.fromkeys(element.attributes.get("key", "") for element in others))
    more = f" and {len(keys) - _MOST_NAMES} more" if len(keys) > _MOST_NAMES else ""
    is_explicit = any("required" in element.attributes for element in others)
    yield Finding(
        "extra-config-required",
        "warning" if is_explicit else "info",
        f"line {others[0].line}",
        f"The VM requires advanced settings: {', '.join(map(quoted, keys[:_MOST_NAMES]))}{more}. ovftool and ESXi "
        "refuse those that they do not allow: Unsupported value for attribute 'key' on element 'ExtraConfig'.",
        'Add ovf:required="false" to those that the VM works without, or import it with ovftool --allowExtraConfig.',
    )
