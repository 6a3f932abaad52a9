"""Checks that the devices of a VM are consistent, in each of the deployment options of the package."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.finding import Finding
from knowledge.ovf.machines import Device, Machine, place
from knowledge.ovf.quoting import quoted

_Addresses = dict[tuple[str, str, str], str]
"""The InstanceID of the device at each deployment option, controller and address."""

_ALL = ""
"""Stands for every deployment option: devices without a configuration."""


def check_identity(machine: Machine, options: frozenset[str]) -> Iterator[Finding]:
    """Yield findings for ids and addresses that two devices share, and for parents and options that do not exist.

    A device with a ``configuration`` exists in those deployment options only, and there it replaces earlier devices
    with the same InstanceID (DMTF DSP0243, DeploymentOptionSection). ``options`` has the ids of the deployment options.
    """
    known = {device.id for device in machine.devices}
    seen = set[tuple[str, str]]()
    for device in machine.devices:
        if not device.id or (not device.configurations and (_ALL, device.id) in seen):
            yield Finding(
                rule="instance-id",
                severity="error",
                where=place(device),
                message=f"InstanceID {quoted(device.id)} is used twice." if device.id else "InstanceID is missing.",
                fix="Give every Item an InstanceID of its own.",
            )
        seen |= {(option, device.id) for option in device.configurations or (_ALL,)}
        if device.type is None:
            yield Finding(
                rule="resource-type",
                severity="error",
                where=place(device),
                message="ResourceType is missing or not a number, so importers do not know what the device is.",
                fix="Set ResourceType, for example to 17 for a disk.",
            )
        if device.parent and device.parent not in known:
            yield Finding(
                rule="parent-unknown",
                severity="error",
                where=place(device),
                message=f"Parent {quoted(device.parent)} is not a device of this VM.",
                fix="Set Parent to the InstanceID of the controller.",
            )
        unknown = [option for option in device.configurations if options and option not in options]
        if unknown:
            yield Finding(
                rule="configuration-unknown",
                severity="warning",
                where=place(device),
                message=f"Configuration {quoted(unknown[0])} is not in DeploymentOptionSection.",
                fix="Add the configuration there, so that it can be chosen, or use the id of a listed one.",
            )
    yield from _shared_addresses(machine, seen)


def _shared_addresses(machine: Machine, ids: set[tuple[str, str]]) -> Iterator[Finding]:
    """Report two devices at one address; ``ids`` has the InstanceIDs of each deployment option."""
    taken: _Addresses = {}
    # Devices for all options first, whatever their place in the file, so that each option is compared with them.
    for device in sorted(machine.devices, key=lambda device: bool(device.configurations)):
        if not device.parent or not device.address:
            continue
        options = device.configurations or (_ALL,)
        owners = {_owner(taken, ids, option, device) for option in options} - {None, device.id}
        if owners:
            yield _address_taken(device)
        for option in options:
            taken.setdefault((option, device.parent, device.address), device.id)


def _owner(taken: _Addresses, ids: set[tuple[str, str]], option: str, device: Device) -> str | None:
    """Return the InstanceID of the device that has the address of `device` in a deployment option, or None."""
    owner = taken.get((option, device.parent, device.address))
    always = taken.get((_ALL, device.parent, device.address))
    is_replaced = option != _ALL and always is not None and (option, always) in ids
    return owner if owner is not None or is_replaced else always


def _address_taken(device: Device) -> Finding:
    return Finding(
        rule="address-taken",
        severity="error",
        where=place(device),
        message=f"Address {quoted(device.address)} on controller {quoted(device.parent)} is already in use.",
        fix="Give the device an AddressOnParent of its own.",
    )
