"""The linter reports disks that a VM cannot have: attached twice, on a controller or at a unit that does not exist."""

import pytest

from knowledge.finding import Finding, is_valid
from knowledge.vmx.lint import lint

VM = """.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "{version}"
memSize = "2048"
displayName = "vm01"
guestOS = "rhel8-64"
floppy0.present = "FALSE"
tools.syncTime = "FALSE"
scsi0.present = "TRUE"
scsi0.virtualDev = "{model}"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "vm01.vmdk"
"""
REPORTED = "hardware-version"


def vm(*devices: str, version: int = 19, model: str = "pvscsi") -> str:
    return VM.format(version=version, model=model) + "".join(devices)


def disk(slot: str, name: str = "other.vmdk") -> str:
    return f'{slot}.present = "TRUE"\n{slot}.fileName = "{name}"\n'


def controller(name: str) -> str:
    return f'{name}.present = "TRUE"\n'


def errors(vmx: str) -> list[Finding]:
    return [finding for finding in lint(vmx) if finding.severity == "error"]


def test_one_file_in_two_slots_is_an_error() -> None:
    (finding,) = errors(vm(disk("scsi0:1", "vm01.vmdk")))
    assert (finding.rule, finding.where) == ("disk-twice", "line 14: scsi0:1.fileName")
    assert finding.fix == 'scsi0:1.present = "FALSE"'
    assert "does not power on" in finding.message


@pytest.mark.parametrize("slot", ["scsi1:0", "sata0:0", "nvme0:3", "ide0:0"])
def test_one_file_on_two_controllers_of_any_kind_is_an_error(slot: str) -> None:
    vmx = vm(controller(slot.partition(":")[0]), disk(slot, "vm01.vmdk"))
    assert [finding.rule for finding in errors(vmx)] == ["disk-twice"]


@pytest.mark.parametrize("name", ["./vm01.vmdk", "x/../vm01.vmdk", ".//vm01.vmdk", ".\\vm01.vmdk"])
def test_one_file_in_another_spelling_is_an_error(name: str) -> None:
    assert [finding.rule for finding in errors(vm(disk("scsi0:1", name)))] == ["disk-twice"]


@pytest.mark.parametrize(
    "devices",
    [
        disk("scsi0:1", "vm01_1.vmdk"),
        disk("scsi0:1", "/vmfs/volumes/other/vm02/vm01.vmdk"),
        'scsi0:1.present = "FALSE"\nscsi0:1.fileName = "vm01.vmdk"\n',
        'scsi1.present = "FALSE"\nscsi1:0.present = "FALSE"\nscsi1:0.fileName = "vm01.vmdk"\n',
        *[
            "".join(
                disk(slot, "tools.iso") + f'{slot}.deviceType = "{kind}"\n{slot}.startConnected = "FALSE"\n'
                for slot in ("ide0:0", "ide1:0")
            )
            for kind in ("cdrom-image", "atapi-cdrom")
        ],
    ],
    ids=["another disk", "another folder", "absent", "absent controller", "one ISO twice", "one drive twice"],
)
def test_files_that_differ_and_devices_that_are_absent_are_no_finding(devices: str) -> None:
    assert [finding for finding in lint(vm(devices)) if finding.rule != REPORTED] == []


@pytest.mark.parametrize("name", ["scsi4", "sata4", "nvme4", "scsi15", "ide2"])
def test_a_disk_on_a_controller_that_a_vm_cannot_have_is_an_error(name: str) -> None:
    devices = (controller(name), disk(f"{name}:0"))
    (finding,) = [finding for finding in errors(vm(*devices)) if finding.rule != "needs-newer-hardware"]
    assert finding.rule == "too-many-controllers"
    assert name in finding.message
    assert 'scsi0:1.fileName = "other.vmdk"' in finding.fix.splitlines()


@pytest.mark.parametrize("name", ["scsi4", "sata4", "nvme4"])
def test_a_fifth_controller_without_disks_is_an_error(name: str) -> None:
    (finding,) = errors(vm(controller(name)))
    assert (finding.rule, finding.fix) == ("too-many-controllers", f'{name}.present = "FALSE"')


def test_four_controllers_of_each_kind_are_fine() -> None:
    names = [f"{kind}{number}" for kind in ("scsi", "sata", "nvme") for number in range(4)][1:]
    devices = [controller(name) + disk(f"{name}:{1}", f"{name}.vmdk") for name in names]
    assert is_valid(lint(vm(*devices)))


@pytest.mark.parametrize("slot", ["sata0:0", "nvme0:0", "scsi1:0"])
def test_a_disk_on_an_absent_controller_is_an_error(slot: str) -> None:
    (finding,) = errors(vm(disk(slot)))
    name = slot.partition(":")[0]
    assert (finding.rule, finding.fix) == ("absent-controller", f'{name}.present = "TRUE"')


@pytest.mark.parametrize(
    ("slot", "model", "version"),
    [
        ("scsi0:16", "lsilogic", 19),
        ("scsi0:16", "pvscsi", 13),
        ("scsi0:65", "pvscsi", 19),
        ("sata0:30", "pvscsi", 19),
        ("nvme0:15", "pvscsi", 20),
        ("nvme0:64", "pvscsi", 21),
        ("ide0:2", "pvscsi", 19),
    ],
)
def test_a_unit_that_the_controller_does_not_have_is_an_error(slot: str, model: str, version: int) -> None:
    name = slot.partition(":")[0]
    (finding,) = errors(vm(controller(name) if name != "scsi0" else "", disk(slot), version=version, model=model))
    assert finding.rule == "unit-number"
    assert 'scsi0:1.fileName = "other.vmdk"' in finding.fix.splitlines()


@pytest.mark.parametrize(
    ("slot", "model", "version"),
    [
        ("scsi0:15", "lsilogic", 19),
        ("scsi0:64", "pvscsi", 14),
        ("sata0:29", "pvscsi", 10),
        ("nvme0:14", "pvscsi", 13),
        ("nvme0:63", "pvscsi", 21),
        ("ide1:1", "pvscsi", 19),
    ],
)
def test_the_last_unit_of_each_kind_of_controller_is_fine(slot: str, model: str, version: int) -> None:
    name = slot.partition(":")[0]
    devices = controller(name) if name != "scsi0" else ""
    assert errors(vm(devices, disk(slot), version=version, model=model)) == []
