"""What an OVF descriptor does not say of a VM, or not reliably: read when the VM is backed up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim

from service.vsphere.session import Instance, Session, read_properties, vm_of
from service.vsphere.tags import Tag

CONFIG = [
    "config.annotation",
    "config.bootOptions",
    "config.extraConfig",
    "config.firmware",
    "config.hardware.device",
    "config.instanceUuid",
    "config.uuid",
]
"""What a snapshot has as it was when it was taken, under the same names as the VM."""
PRESENT = ["availableField", "customValue", "guest.toolsRunningStatus"]
"""What only the VM itself has."""
EXTRA_CONFIG = re.compile(
    r"""
    disk\.enableUUID                                  # stable names of disks in the guest
    | guestinfo\.(metadata|userdata|vendordata)(\.encoding)? | guestinfo\.ignition\.config\..+  # first-boot data
    | isolation\..+ | RemoteDisplay\.maxConnections   # hardening
    | (cpuid|hypervisor|monitor|monitor_control|numa|smbios|smc|vcpu|vhv|vpmc)\..+ | mce\.enable
    | (board-id|hw\.model|serialNumber)(\.reflectHost)?
    | pciPassthru\.(use64bitMMIO|64bitMMIOSizeGB)     # a guest with a large GPU does not boot without it
    | (bios|efi|uefi)\..+ | keyboard\..+ | time\.synchronize\..+ | tools\.(syncTime|guest\.desktop|setInfo)\..*
    | svga\.(autodetect|vramSize|maxWidth|maxHeight|numDisplays) | mks\.enable3d
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""The advanced settings that are kept. All others describe the old place (files, slots, swap) or are vSphere's own."""
NO_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What is no character in XML 1.0."""
LARGEST_VALUE = 64 << 10
"""Characters of one advanced setting that are kept."""


class Controller(BaseModel):
    """A controller: its type in the vSphere API, such as `ParaVirtualSCSIController`, and its bus number."""

    model_config = ConfigDict(frozen=True)

    kind: str
    bus: int


class Card(BaseModel):
    """A network card: its type in the vSphere API, its MAC address, and who chose it (`manual` or vSphere)."""

    model_config = ConfigDict(frozen=True)

    kind: str
    mac: str
    mac_type: str


class VmSettings(BaseModel):
    """The settings of a VM that a package keeps beside its descriptor; later versions may add fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int = 1
    firmware: str = ""
    """`bios` or `efi`."""
    secure_boot: bool | None = None
    uuid: str = ""
    """The BIOS UUID."""
    instance_uuid: str = ""
    notes: str = ""
    extra_config: dict[str, str] = {}
    controllers: list[Controller] = []
    cards: list[Card] = []
    """In the order of the descriptor."""
    custom_attributes: dict[str, str] = {}
    tags: list[Tag] = []
    """Of the time of the backup; vCenter keeps none for a snapshot."""
    tools_running: bool = False
    """Whether VMware Tools ran in the guest."""
    nvram: str = ""
    """The name of the NVRAM file in the package; empty without one."""


async def read_settings(session: Session, vm: str, snapshot: str = "") -> VmSettings:
    """The settings of the VM `vm`, as they were in its snapshot when one is given (both morefs)."""

    def ask(instance: Instance) -> VmSettings:
        machine = vm_of(instance, vm)
        of: Any = vim.vm.Snapshot(snapshot, instance._stub) if snapshot else machine
        config = read_properties(instance, [of], type(of), CONFIG)[0][1]
        present = read_properties(instance, [machine], vim.VirtualMachine, PRESENT)[0][1]
        devices = config.get("config.hardware.device", [])
        return VmSettings(
            firmware=str(config.get("config.firmware", "") or ""),
            secure_boot=_secure_boot(config.get("config.bootOptions")),
            uuid=str(config.get("config.uuid", "") or ""),
            instance_uuid=str(config.get("config.instanceUuid", "") or ""),
            notes=str(config.get("config.annotation", "") or ""),
            extra_config=_kept(config.get("config.extraConfig", [])),
            controllers=controllers_of(devices),
            cards=[
                Card(kind=kind_of(card), mac=str(card.macAddress or ""), mac_type=str(card.addressType or ""))
                for card in devices
                if isinstance(card, vim.vm.device.VirtualEthernetCard)
            ],
            custom_attributes=_attributes(present.get("availableField", []), present.get("customValue", [])),
            tools_running=str(present.get("guest.toolsRunningStatus", "")) == "guestToolsRunning",
        )

    return await session.call(ask)


def controllers_of(devices: Iterable[Any]) -> list[Controller]:
    """The controllers among these devices that disks can be attached to."""
    of_disks = (
        vim.vm.device.VirtualSCSIController,
        vim.vm.device.VirtualSATAController,
        vim.vm.device.VirtualNVMEController,
    )
    return [Controller(kind=kind_of(each), bus=each.busNumber) for each in devices if isinstance(each, of_disks)]


def storable(settings: VmSettings) -> tuple[VmSettings, list[str]]:
    """The settings without the control characters that no call to vSphere can carry, and a warning that names where.

    A call is XML 1.0, which has no character for NUL, for example. vSphere itself hands none out, but a package may
    have been changed.
    """
    found: list[str] = []

    def clean(text: str, where: str) -> str:
        cleaned = NO_XML.sub("", text)
        if cleaned != text and where not in found:
            found.append(where)
        return cleaned

    attributes, options = settings.custom_attributes, settings.extra_config
    changed = settings.model_copy(
        update={
            "notes": clean(settings.notes, "the notes"),
            "extra_config": {key: clean(value, f"the advanced setting {key}") for key, value in options.items()},
            "custom_attributes": {
                (name := clean(key, "the name of a custom attribute")): clean(value, f"the custom attribute {name}")
                for key, value in attributes.items()
            },
        }
    )
    if not found:
        return settings, []
    return changed, [f"Control characters that vSphere cannot store were removed from {', '.join(found)}."]


def kept_options(options: Mapping[str, str]) -> dict[str, str]:
    """Those advanced settings that a backup keeps and a restore sets; a package that was changed may have others."""
    return {
        key: value
        for key, value in sorted(options.items())
        if EXTRA_CONFIG.fullmatch(key) and len(value) <= LARGEST_VALUE
    }


def kind_of(device: Any) -> str:
    """The name of a device's type in the vSphere API, such as `VirtualVmxnet3`."""
    return type(device).__name__.rpartition(".")[2]


def _secure_boot(options: Any) -> bool | None:
    found = getattr(options, "efiSecureBootEnabled", None)
    return None if found is None else bool(found)


def _kept(options: Iterable[Any]) -> dict[str, str]:
    return kept_options({str(option.key): str(option.value) for option in options})


def _attributes(fields: Iterable[Any], values: Iterable[Any]) -> dict[str, str]:
    names = {field.key: str(field.name) for field in fields}
    return {names[each.key]: str(each.value) for each in values if each.key in names and each.value}
