"""Which disks a restore onto a VM replaces, adds and leaves, and where a further disk goes."""

from __future__ import annotations

import pytest

from service.actions._onto import disk_checks, plan_disks
from service.actions.restore_disk import choose_disk
from service.errors import Conflict, NotFound
from service.packages.descriptor import PackageDisk
from service.vsphere.disk_changes import free_place
from service.vsphere.disks import AttachedDisk, Controller, Disks


def attached(key: int, place: str, why: str = "") -> AttachedDisk:
    file = f"[ds] web-01/{key}.vmdk"
    return AttachedDisk(
        key=key, label=f"Hard disk {key}", place=place, file=file, chain=(file,), capacity=1 << 30, why_not_replaced=why
    )


def controller(family: str, bus: int, *used: int, shared: bool = False) -> Controller:
    return Controller(key=1000 + bus, family=family, kind="", bus=bus, shared=shared, used=used)


def vm(*disks: AttachedDisk, controllers: tuple[Controller, ...] = (), power: str = "poweredOff") -> Disks:
    return Disks(power_state=power, vmx="[ds] web-01/web-01.vmx", disks=list(disks), controllers=list(controllers))


def package(*places: str) -> list[PackageDisk]:
    return [PackageDisk(number=n, file=f"disk-{n}.vmdk", place=place, capacity=1) for n, place in enumerate(places, 1)]


def test_disks_are_matched_by_controller_and_unit() -> None:
    now = vm(attached(2000, "scsi0:1"), attached(2001, "scsi0:0"), attached(2002, "scsi0:3"))
    plan = plan_disks(package("scsi0:0", "scsi0:1", "nvme0:0"), now)
    assert [(each.number, each.replaces) for each in plan] == [(1, 2001), (2, 2000), (3, None)]

    found = [(check.rule, check.severity) for check in disk_checks(package("scsi0:0", "scsi0:1", "nvme0:0"), now)]

    assert found == [
        ("disk-replaced", "info"),
        ("disk-replaced", "info"),
        ("disk-added", "info"),
        ("disk-stays", "warn"),
    ]


@pytest.mark.parametrize(
    ("place", "disks", "controllers", "words"),
    [
        ("scsi0:0", (attached(1, "scsi0:0", "it is independent"),), (), "it is independent"),
        ("ide1:0", (), (), "no IDE controller 1"),
        ("sata0:1", (), (controller("sata", 0, 1),), "another device is at sata0:1"),
    ],
)
def test_disk_that_has_no_place_is_refused(
    place: str, disks: tuple[AttachedDisk, ...], controllers: tuple[Controller, ...], words: str
) -> None:
    boot = attached(9, "scsi3:0")
    check = next(disk_checks(package(place, boot.place), vm(*disks, boot, controllers=controllers)))
    assert check.severity == "refuse"
    assert words in check.message


def test_backup_of_which_no_disk_has_a_counterpart_is_refused() -> None:
    found = disk_checks(package("nvme0:0"), vm(attached(1, "scsi0:0")))
    assert [check.rule for check in found] == ["disk-added", "nothing-replaced", "disk-stays"]


@pytest.mark.parametrize(
    ("controllers", "power", "place"),
    [
        ((controller("scsi", 0, 0, 1, 7),), "poweredOn", "scsi0:2"),
        ((controller("scsi", 0, *range(16)),), "poweredOn", "scsi1:0"),
        ((controller("scsi", 0, *range(16)), controller("sata", 0, 0)), "poweredOn", "sata0:1"),
        ((controller("scsi", 0, shared=True), controller("scsi", 1, 0)), "poweredOff", "scsi1:1"),
        ((controller("ide", 0, 0),), "poweredOff", "ide0:1"),
        ((controller("ide", 0, 0),), "poweredOn", "scsi0:0"),
    ],
)
def test_further_disk_gets_a_free_unit_or_a_controller(
    controllers: tuple[Controller, ...], power: str, place: str
) -> None:
    assert free_place(vm(controllers=controllers, power=power)) == place


def test_vm_without_a_free_unit_is_refused() -> None:
    full = tuple(controller("scsi", bus, *range(16)) for bus in range(4))
    with pytest.raises(Conflict, match="Every disk controller"):
        free_place(vm(controllers=full))


@pytest.mark.parametrize("wanted", ["2", "disk-2.vmdk", "scsi0:1"])
def test_disk_is_chosen_by_number_name_or_place(wanted: str) -> None:
    disks = package("scsi0:0", "scsi0:1")
    assert choose_disk(disks, wanted) is disks[1]
    with pytest.raises(NotFound, match=r"Its disks: 1 \(disk-1.vmdk, scsi0:0\), 2"):
        choose_disk(disks, "3")
