"""Files have a size that files can have, and disks have a format that VMware imports and data of their own."""

from __future__ import annotations

import pytest

from knowledge.finding import Finding
from knowledge.ovf import lint_bytes
from tests.knowledge.ovf.test_descriptor import CONTROLLER, DISK, DISKS, FILES, NETWORK_CARD, descriptor
from tests.knowledge.ovf.test_unused import OPTIONS

FORMAT = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"
SECOND = DISK.replace(">0<", ">1<").replace("vmdisk1", "vmdisk2").replace("InstanceID>9<", "InstanceID>10<")
SECOND_DISK = DISKS.replace("vmdisk1", "vmdisk2")


def with_size(size: str, name: str = "size") -> bytes:
    return descriptor(files=FILES.replace('ovf:size="1048576"', f'ovf:{name}="{size}"'))


def with_format(name: str) -> bytes:
    return descriptor(disks=DISKS.replace(FORMAT, name))


def only(data: bytes) -> Finding:
    (finding,) = lint_bytes(data)
    return finding


@pytest.mark.parametrize(
    "data",
    [
        with_size("0"),
        with_size(""),
        with_size(str(2**63 - 1)),
        descriptor(files=FILES.replace('ovf:size="1048576"', "")),
        with_format("http://www.vmware.com/specifications/vmdk.html#sparse"),
        with_format("http://www.vmware.com/interfaces/specifications/vmdk.html#monolithicSparse"),
        descriptor(files="", disks='<Disk ovf:capacity="1048576" ovf:diskId="vmdisk1"/>'),
    ],
    ids=["empty file", "empty size", "largest size", "no size", "sparse", "monolithic", "disk without a file"],
)
def test_accepted_size_or_format_has_no_finding(data: bytes) -> None:
    assert lint_bytes(data) == ()


@pytest.mark.parametrize(
    ("size", "severity"), [("abcd", "error"), ("1.5", "error"), ("-2", "warning"), (str(2**63), "warning")]
)
@pytest.mark.parametrize("name", ["size", "chunkSize"])
def test_size_that_no_file_has_is_reported(name: str, size: str, severity: str) -> None:
    finding = only(with_size(size, name))
    assert (finding.rule, finding.severity) == ("stated-size", severity)
    assert f"The {name} of file 'disk1.vmdk'" in finding.message


@pytest.mark.parametrize("capacity", ["-1", "1.5", "1 GB"])
def test_capacity_that_no_disk_has_is_an_error(capacity: str) -> None:
    finding = only(descriptor(disks=DISKS.replace('ovf:capacity="16"', f'ovf:capacity="{capacity}"')))
    assert (finding.rule, finding.severity) == ("disk-capacity", "error")


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("", "error"),
        ("http://www.vmware.com/interfaces/specifications/vmdk.html#", "error"),
        ("http://go.microsoft.com/fwlink/?LinkId=137171", "warning"),
    ],
    ids=["missing", "no kind of VMDK", "VHD"],
)
def test_format_that_vmware_does_not_import_is_reported(name: str, severity: str) -> None:
    finding = only(with_format(name))
    assert (finding.rule, finding.severity) == ("disk-format", severity)


def test_file_that_is_listed_twice_is_a_warning() -> None:
    rules = {
        finding.rule: finding.severity for finding in lint_bytes(descriptor(files=FILES + FILES.replace("file1", "f2")))
    }
    assert rules == {"file-twice": "warning", "file-unused": "info"}


def test_two_disks_with_one_file_are_a_warning() -> None:
    finding = only(descriptor(CONTROLLER + DISK + SECOND + NETWORK_CARD, disks=DISKS + SECOND_DISK))
    assert (finding.rule, finding.severity) == ("disk-file-twice", "warning")


def test_disks_of_different_deployment_options_may_share_a_file() -> None:
    data = descriptor(CONTROLLER + DISK + SECOND + NETWORK_CARD, disks=DISKS + SECOND_DISK)
    assert lint_bytes(data.replace(b"<VirtualSystem ", f"{OPTIONS}<VirtualSystem ".encode())) == ()
