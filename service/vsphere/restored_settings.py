"""Gives a VM that is made of a package the settings that its backup kept; what cannot be set becomes a warning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from pyVmomi import vim, vmodl

from service.vsphere.faults import fault_message
from service.vsphere.session import Instance, Session, read_all, read_properties, vm_of
from service.vsphere.vm_settings import Controller, VmSettings, controllers_of, kept_options

MOST_NAMED = 5
"""Advanced settings that a warning names; the others are counted."""


def apply_settings(config: Any, settings: VmSettings, *, keep_identity: bool) -> list[str]:
    """Change `config`, the ConfigSpec of a new VM; returns warnings.

    `keep_identity` also gives it the UUIDs and the MAC addresses of the old VM.
    """
    config.annotation = settings.notes
    if settings.firmware:
        config.firmware = settings.firmware
    if settings.secure_boot:
        config.bootOptions = config.bootOptions or vim.vm.BootOptions()
        config.bootOptions.efiSecureBootEnabled = True
    wanted = kept_options(settings.extra_config)
    kept = {key.lower() for key in wanted}
    others = [each for each in config.extraConfig or [] if str(each.key).lower() not in kept]
    options = [vim.option.OptionValue(key=key, value=value) for key, value in wanted.items()]
    config.extraConfig = [*others, *options]
    warnings = _apply_controllers(config, settings.controllers)
    if foreign := sorted(settings.extra_config.keys() - wanted.keys()):
        named = ", ".join(repr(key[:60]) for key in foreign[:MOST_NAMED])
        more = f" and {len(foreign) - MOST_NAMED} more" if len(foreign) > MOST_NAMED else ""
        warnings.append(f"Advanced settings of the package that a restore does not set were left out: {named}{more}.")
    if keep_identity:
        config.uuid = settings.uuid or None
        config.instanceUuid = settings.instance_uuid or None
        warnings += _apply_cards(config, settings)
    return warnings


async def find_by_uuid(session: Session, uuid: str) -> list[str]:
    """The names of the VMs that have this BIOS UUID."""

    def ask(instance: Instance) -> list[str]:
        found = read_all(instance, vim.VirtualMachine, ["name", "config.uuid"]) if uuid else []
        return sorted(each.get("name", "") for _, each in found if each.get("config.uuid") == uuid)

    return await session.call(ask)


async def set_custom_attributes(session: Session, vm: str, values: Mapping[str, str]) -> list[str]:
    """Set the custom attributes of the VM `vm` (a moref), by name; returns a warning for each that cannot be set."""

    def ask(instance: Instance) -> list[str]:
        if not values:
            return []
        manager = instance.content.customFieldsManager
        if manager is None:
            return [f"A host without a vCenter has no custom attributes; not set: {', '.join(values)}."]
        fields = read_properties(instance, [manager], vim.CustomFieldsManager, ["field"])[0][1].get("field", [])
        known = {each.name: each.key for each in fields if each.managedObjectType in (None, vim.VirtualMachine)}
        warnings = []
        for name, value in values.items():
            try:
                if name not in known:
                    known[name] = manager.AddCustomFieldDef(name=name, moType=vim.VirtualMachine).key
                manager.SetField(entity=vm_of(instance, vm), key=known[name], value=value)
            except vim.fault.NotAuthenticated:
                raise
            except vmodl.MethodFault as fault:
                warnings.append(f"The custom attribute {name!r} could not be set: {fault_message(fault)}.")
        return warnings

    return await session.call(ask)


async def identity_differs(session: Session, vm: str, settings: VmSettings) -> list[str]:
    """Warnings about UUID and MAC addresses that the VM `vm` (a moref) should have kept and vSphere changed."""

    def ask(instance: Instance) -> list[str]:
        names = ["config.uuid", "config.hardware.device"]
        values = read_properties(instance, [vm_of(instance, vm)], vim.VirtualMachine, names)[0][1]
        warnings = []
        if settings.uuid and (found := str(values.get("config.uuid", ""))) != settings.uuid:
            warnings.append(f"vSphere changed the UUID {settings.uuid} to {found}.")
        cards = [
            str(each.macAddress or "").lower()
            for each in values.get("config.hardware.device", [])
            if isinstance(each, vim.vm.device.VirtualEthernetCard)
        ]
        if lost := sorted({card.mac.lower() for card in settings.cards if card.mac} - set(cards)):
            warnings.append(f"vSphere changed MAC addresses; the old ones were {', '.join(lost)}.")
        return warnings

    return await session.call(ask)


def _apply_controllers(config: Any, wanted: list[Controller]) -> list[str]:
    """Make each SCSI controller of the kind that it was; disks keep their places, which only name its key."""
    changes = list(config.deviceChange or [])
    scsi = [change for change in changes if isinstance(change.device, vim.vm.device.VirtualSCSIController)]
    kinds = [kind for each in wanted if (kind := _scsi_kind(each.kind)) is not None]
    if len(scsi) == len(kinds):
        for change, kind in zip(scsi, kinds, strict=True):
            if type(change.device) is not kind:
                old = change.device
                change.device = kind(
                    key=old.key,
                    busNumber=old.busNumber,
                    sharedBus=old.sharedBus,
                    controllerKey=old.controllerKey,
                    unitNumber=old.unitNumber,
                    hotAddRemove=old.hotAddRemove,
                )
    made = Counter(each.kind for each in controllers_of(change.device for change in changes))
    missing = Counter(each.kind for each in wanted) - made
    if not missing:
        return []
    words = ", ".join(f"{kind} ({count})" for kind, count in sorted(missing.items()))
    return [f"The new VM does not have every disk controller of the old one; missing: {words}."]


def _apply_cards(config: Any, settings: VmSettings) -> list[str]:
    devices = [change.device for change in config.deviceChange or []]
    cards = [device for device in devices if isinstance(device, vim.vm.device.VirtualEthernetCard)]
    if len(cards) != len(settings.cards):
        return [
            f"The MAC addresses were not kept: the backup has {len(settings.cards)} and the new VM {len(cards)} "
            "network cards."
        ]
    for card, kept in zip(cards, settings.cards, strict=True):
        if kept.mac:
            card.macAddress = kept.mac
            card.addressType = kept.mac_type or "manual"
    return []


def _scsi_kind(name: str) -> Any:
    """The class of a SCSI controller by its name in the vSphere API; None for any other name."""
    kinds = (
        vim.vm.device.ParaVirtualSCSIController,
        vim.vm.device.VirtualBusLogicController,
        vim.vm.device.VirtualLsiLogicController,
        vim.vm.device.VirtualLsiLogicSASController,
    )
    return next((kind for kind in kinds if kind.__name__.rpartition(".")[2] == name), None)
