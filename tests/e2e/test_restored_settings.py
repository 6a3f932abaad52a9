"""A restored VM boots as the old one did: firmware, NVRAM, settings and, when asked for, its identity are kept."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from pyVmomi import vim

from tests.e2e.actions import act, checked, details
from tests.peers.person import signed_in, wait_for_task
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService

VM = "DC0_H0_VM1"
NVRAM = b"boot entries and keys" * 400
KEPT = {"disk.EnableUUID": "TRUE", "guestinfo.metadata": "bm9uZQ=="}
NOT_KEPT = {"sched.swap.derivedName": "/vmfs/volumes/old/vm.vswp", "guestinfo.ip": "192.0.2.7"}


@pytest.fixture
def efi_vm(vcenter: Vcsim, fitting_disk: Path) -> str:
    """A VM that boots by EFI, with an NVRAM file, advanced settings, notes, a custom attribute, and another MAC."""
    vcenter.put_disk(vcenter.vm(VM)["disks"][0]["path"], fitting_disk)
    options = {**KEPT, **NOT_KEPT, "nvram": f"{VM}.nvram"}
    with signed_in(vcenter) as person:
        machine = vim.VirtualMachine(vcenter.vm(VM)["moref"], person._stub)
        card = cards(machine)[0]
        card.macAddress, card.addressType = "00:50:56:aa:bb:cc", "manual"
        spec = vim.vm.ConfigSpec(
            firmware="efi",
            bootOptions=vim.vm.BootOptions(efiSecureBootEnabled=True),
            annotation="Owned by payroll.",
            extraConfig=[vim.option.OptionValue(key=key, value=value) for key, value in options.items()],
            deviceChange=[vim.vm.device.VirtualDeviceSpec(operation="edit", device=card)],
        )
        wait_for_task(machine.ReconfigVM_Task(spec))
        manager = person.content.customFieldsManager
        field = manager.AddCustomFieldDef(name="cost centre", moType=vim.VirtualMachine)
        manager.SetField(entity=machine, key=field.key, value="4711")
        on_datastore(vcenter, machine, NVRAM)
    return VM


def cards(machine: Any) -> list[Any]:
    return [each for each in machine.config.hardware.device if isinstance(each, vim.vm.device.VirtualEthernetCard)]


def controllers(machine: Any) -> list[str]:
    kind = vim.vm.device.VirtualSCSIController
    return [type(each).__name__ for each in machine.config.hardware.device if isinstance(each, kind)]


def on_datastore(vcenter: Vcsim, machine: Any, content: bytes | None = None) -> bytes:
    """The NVRAM file in the folder of a VM; it is written when there is a content."""
    datastore, _, vmx = machine.config.files.vmPathName.partition("] ")
    query = urlencode({"dcPath": "DC0", "dsName": datastore.removeprefix("[")})
    url = f"{vcenter.url.removesuffix('/sdk')}/folder/{quote(str(Path(vmx).with_suffix('.nvram')))}?{query}"
    login = base64.b64encode(f"{vcenter.user}:{vcenter.password}".encode()).decode()
    method = "GET" if content is None else "PUT"
    request = urllib.request.Request(url, data=content, method=method, headers={"Authorization": f"Basic {login}"})
    context = ssl.create_default_context(cafile=str(vcenter.ca_file))
    try:
        with urllib.request.urlopen(request, context=context, timeout=60) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return b""
        raise


def backed_up(service: RunningService) -> dict[str, Any]:
    job = service.ended(service.backup(VM)["id"])
    assert job["state"] == "succeeded", job["error"]
    return job


@pytest.mark.parametrize("offered", [True, False], ids=["offered by the lease", "from the datastore"])
def test_restored_vm_has_firmware_nvram_and_settings_of_the_old_one(
    service: RunningService, vcenter: Vcsim, efi_vm: str, offered: bool
) -> None:
    vcenter.nfc(nvram=offered)
    backup = backed_up(service)
    assert backup["result"]["warnings"] == []
    assert act(service, "verify-backup", backup=backup["id"])["state"] == "succeeded"

    job = act(service, "restore", backup=backup["id"], name="again")

    assert job["state"] == "succeeded", job["error"]
    assert (job["result"]["nvram"], job["result"]["identity"], job["result"]["warnings"]) == (True, "new", [])
    with signed_in(vcenter) as person:
        machine = vim.VirtualMachine(vcenter.vm("again")["moref"], person._stub)
        old = vim.VirtualMachine(vcenter.vm(efi_vm)["moref"], person._stub)
        options = {each.key: each.value for each in machine.config.extraConfig}
        assert (machine.config.firmware, machine.config.bootOptions.efiSecureBootEnabled) == ("efi", True)
        assert {key: options.get(key) for key in KEPT} == KEPT
        assert not set(options) & set(NOT_KEPT)
        assert machine.config.annotation.splitlines()[0] == "Owned by payroll."
        assert [each.value for each in machine.customValue] == ["4711"]
        assert controllers(machine) == controllers(old)
        assert on_datastore(vcenter, machine) == NVRAM
        assert machine.config.uuid != old.config.uuid
        assert cards(machine)[0].macAddress != "00:50:56:aa:bb:cc"


def test_identity_is_kept_once_the_old_vm_is_gone_and_new_while_it_exists(
    service: RunningService, vcenter: Vcsim, efi_vm: str
) -> None:
    backup = backed_up(service)
    uuid = vcenter.vm(efi_vm)["uuid"]

    beside = checked(service, "restore", backup=backup["id"])["identity"]
    forced = checked(service, "restore", backup=backup["id"], identity="keep")["identity"]
    act(service, "power-off", vm=efi_vm)
    with signed_in(vcenter) as person:
        wait_for_task(vim.VirtualMachine(vcenter.vm(efi_vm)["moref"], person._stub).Destroy_Task())
    gone = checked(service, "restore", backup=backup["id"])["identity"]
    job = act(service, "restore", backup=backup["id"], name="again")

    assert f"because {efi_vm} has the old ones" in beside["message"]
    assert (forced["severity"], gone["severity"]) == ("warn", "info")
    assert "keeps the UUIDs and MAC addresses" in gone["message"]
    assert (job["state"], job["result"]["identity"]) == ("succeeded", "keep"), job["error"]
    assert vcenter.vm("again")["uuid"] == uuid
    with signed_in(vcenter) as person:
        machine = vim.VirtualMachine(vcenter.vm("again")["moref"], person._stub)
        assert cards(machine)[0].macAddress == "00:50:56:aa:bb:cc"


def test_identity_that_is_kept_beside_the_old_vm_has_an_instance_uuid_of_its_own(
    service: RunningService, vcenter: Vcsim, efi_vm: str
) -> None:
    backup = backed_up(service)

    job = act(service, "restore", backup=backup["id"], name="twin", identity="keep")

    assert (job["state"], job["result"]["identity"]) == ("succeeded", "keep"), job["error"]
    with signed_in(vcenter) as person:
        old, new = (vim.VirtualMachine(vcenter.vm(name)["moref"], person._stub).config for name in (efi_vm, "twin"))
        assert new.uuid == old.uuid
        assert new.instanceUuid != old.instanceUuid


def test_nvram_that_cannot_be_fetched_is_a_warning_and_the_disks_are_kept(
    service: RunningService, vcenter: Vcsim, efi_vm: str
) -> None:
    with signed_in(vcenter) as person:
        machine = vim.VirtualMachine(vcenter.vm(efi_vm)["moref"], person._stub)
        center = person.content.rootFolder.childEntity[0]
        gone = f"{machine.config.files.vmPathName.removesuffix('.vmx')}.nvram"
        person.content.fileManager.DeleteDatastoreFile_Task(name=gone, datacenter=center)
        wait_for(lambda: not on_datastore(vcenter, machine), what="the removal of the NVRAM")

    backup = backed_up(service)

    (warning,) = backup["result"]["warnings"]
    assert "may not boot" in warning
    assert "404" in warning
    job = act(service, "restore", backup=backup["id"], name="again")
    assert (job["state"], job["result"]["nvram"]) == ("succeeded", False)


@pytest.mark.parametrize("file", ["vm-settings.json", "*.nvram"])
def test_changed_settings_or_nvram_are_damage(service: RunningService, vcenter: Vcsim, efi_vm: str, file: str) -> None:
    backup = backed_up(service)
    (path,) = Path(backup["result"]["package"]).glob(file)
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])

    verified = act(service, "verify-backup", backup=backup["id"])

    assert verified["state"] == "failed"
    assert f"{path.name} was changed" in verified["error"]["detail"]
    (path.parent / "verified.json").unlink()
    job = act(service, "restore", backup=backup["id"], name="again")
    assert job["error"]["type"] == "urn:vmkops:backup-damaged"
    assert "again" not in {vm["name"] for vm in vcenter.vms()}


def test_control_characters_in_a_package_are_left_out_and_the_step_says_so(
    service: RunningService, vcenter: Vcsim, efi_vm: str
) -> None:
    backup = backed_up(service)
    package = Path(backup["result"]["package"])
    file = package / "vm-settings.json"
    old = file.read_bytes()
    settings = {**json.loads(old), "notes": "Owned\x00 by payroll.", "custom_attributes": {"cost centre": "47\x0111"}}
    new = json.dumps(settings).encode()
    file.write_bytes(new)
    record = json.loads((package / "backup.json").read_text())
    for each in record["beside"]:
        if each["file"] == file.name:
            each |= {"size": len(new), "sha256": hashlib.sha256(new).hexdigest()}
    (package / "backup.json").write_text(json.dumps({**record, "created_at": "2020-01-01T00:00:00Z"}))
    manifest = next(package.glob("*.mf"))
    sums = [hashlib.sha256(content).hexdigest() for content in (old, new)]
    manifest.write_text(manifest.read_text().replace(*sums))
    for each in package.glob("*.sig"):
        each.unlink()

    job = act(service, "restore", backup=backup["id"], name="again")

    assert job["state"] == "succeeded", job["error"]
    assert "Control characters that vSphere cannot store were removed from the notes, the custom attribute" in details(
        job
    )
    with signed_in(vcenter) as person:
        machine = vim.VirtualMachine(vcenter.vm("again")["moref"], person._stub)
        assert machine.config.annotation.splitlines()[0] == "Owned by payroll."
        assert [each.value for each in machine.customValue] == ["4711"]


def test_package_of_an_earlier_version_is_restored_as_before(
    service: RunningService, vcenter: Vcsim, efi_vm: str
) -> None:
    backup = backed_up(service)
    package = Path(backup["result"]["package"])
    record = json.loads((package / "backup.json").read_text())
    names = {each["file"] for each in record.pop("beside")}
    (package / "backup.json").write_text(json.dumps({**record, "created_at": "2020-01-01T00:00:00Z"}))
    manifest = next(package.glob("*.mf"))
    lines = [line for line in manifest.read_text().splitlines(True) if not any(f"({name})" in line for name in names)]
    manifest.write_text("".join(lines))
    for each in (*(package / name for name in names), *package.glob("*.sig")):
        each.unlink()

    found = checked(service, "restore", backup=backup["id"])
    job = act(service, "restore", backup=backup["id"], name="again")

    assert "of vmkops 0.1 have none" in found["settings-missing"]["message"]
    assert (job["state"], job["result"]["identity"]) == ("succeeded", ""), job["error"]
