"""The settings of a backup are put into the ConfigSpec of the new VM, also where vCenter chose something else."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from service.vsphere.restored_settings import apply_settings, set_custom_attributes
from service.vsphere.session import Session
from service.vsphere.vm_settings import Card, Controller, VmSettings, read_settings, storable
from tests.peers.vcsim import Vcsim
from tests.service.vsphere.test_login import vcenter_of

DEVICE = vim.vm.device
SETTINGS = VmSettings(
    firmware="efi",
    secure_boot=True,
    uuid="4211a0e0-0001",
    instance_uuid="5011a0e0-0001",
    notes="Owned by payroll.",
    extra_config={"disk.EnableUUID": "TRUE"},
    controllers=[Controller(kind="ParaVirtualSCSIController", bus=0)],
    cards=[Card(kind="VirtualVmxnet3", mac="00:50:56:aa:bb:cc", mac_type="assigned")],
)


def spec() -> Any:
    """What vCenter makes of a descriptor without the settings: LSI Logic, a card without an address, BIOS."""
    controller = DEVICE.VirtualLsiLogicController(key=-1, busNumber=0, sharedBus="noSharing")
    disk = DEVICE.VirtualDisk(key=-2, controllerKey=-1, unitNumber=0, capacityInKB=1024)
    devices = [controller, disk, DEVICE.VirtualVmxnet3(key=-3)]
    return vim.vm.ConfigSpec(
        extraConfig=[vim.option.OptionValue(key="disk.enableuuid", value="FALSE")],
        deviceChange=[DEVICE.VirtualDeviceSpec(operation="add", device=device) for device in devices],
    )


def test_new_vm_has_controllers_firmware_and_secure_boot_of_the_old_one() -> None:
    config = spec()

    warnings = apply_settings(config, SETTINGS, keep_identity=False)

    controller, disk, card = [change.device for change in config.deviceChange]
    assert isinstance(controller, DEVICE.ParaVirtualSCSIController)
    assert (controller.key, disk.controllerKey) == (-1, -1)
    assert (config.firmware, config.bootOptions.efiSecureBootEnabled) == ("efi", True)
    assert [(each.key, each.value) for each in config.extraConfig] == [("disk.EnableUUID", "TRUE")]
    assert (config.uuid, config.instanceUuid, card.macAddress) == (None, None, None)
    assert warnings == []


def test_identity_is_set_when_it_is_kept() -> None:
    config = spec()

    apply_settings(config, SETTINGS, keep_identity=True)

    card = config.deviceChange[2].device
    assert (config.uuid, config.instanceUuid) == (SETTINGS.uuid, SETTINGS.instance_uuid)
    assert (card.macAddress, card.addressType) == ("00:50:56:aa:bb:cc", "assigned")


def test_controller_that_vcenter_left_out_is_a_warning() -> None:
    lost = SETTINGS.model_copy(
        update={"controllers": [*SETTINGS.controllers, Controller(kind="VirtualNVMEController", bus=0)]}
    )

    (warning,) = apply_settings(spec(), lost, keep_identity=False)

    assert "VirtualNVMEController (1)" in warning


def test_advanced_settings_that_no_backup_keeps_are_left_out_of_a_package_that_was_changed() -> None:
    config = spec()
    changed = {"disk.EnableUUID": "TRUE", "RemoteDisplay.vnc.enabled": "TRUE", "nvram": "[ds] other/other.vmx"}

    (warning,) = apply_settings(config, SETTINGS.model_copy(update={"extra_config": changed}), keep_identity=False)

    assert [each.key for each in config.extraConfig] == ["disk.EnableUUID"]
    assert "'RemoteDisplay.vnc.enabled', 'nvram'" in warning


async def test_control_characters_are_removed_so_that_vsphere_takes_the_rest(vcsim: Vcsim) -> None:
    changed = {"notes": "Owned\x00 by\x1b payroll.\n", "custom_attributes": {"cost\x07 centre": "47\x0011"}}

    settings, warnings = storable(SETTINGS.model_copy(update=changed))

    assert settings.notes == "Owned by payroll.\n"
    assert warnings == [
        "Control characters that vSphere cannot store were removed from the notes, the name of a custom attribute, the "
        "custom attribute cost centre."
    ]
    assert storable(SETTINGS) == (SETTINGS, [])
    session = Session(vcenter_of(vcsim))
    try:
        moref = vcsim.vms()[0]["moref"]
        assert await set_custom_attributes(session, moref, settings.custom_attributes) == []
        assert (await read_settings(session, moref)).custom_attributes == {"cost centre": "4711"}
    finally:
        await session.close()
