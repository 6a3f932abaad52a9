"""Files and disks that a descriptor does not use are findings with advice that does no harm."""

from __future__ import annotations

import pytest

from knowledge.finding import Finding
from knowledge.ovf import lint_bytes
from tests.knowledge.ovf.test_descriptor import DISKS, FILES, TOOLS, descriptor

EXTRA = '<vmw:ExtraConfig ovf:required="false" vmw:key="{}" vmw:value="{}"/>'
OPTIONS = (
    "<DeploymentOptionSection><Info/>"
    '<Configuration ovf:id="small"/><Configuration ovf:id="large"/></DeploymentOptionSection>'
)


def with_file(name: str, settings: str = TOOLS) -> bytes:
    return descriptor(files=f'{FILES}<File ovf:href="{name}" ovf:id="file2" ovf:size="10"/>', settings=settings)


def unused(data: bytes) -> Finding:
    (finding,) = lint_bytes(data)
    assert finding.rule == "file-unused"
    return finding


@pytest.mark.parametrize("value", ["ovf:/file/file2", "/file/file2", "file/file2"])
@pytest.mark.parametrize("name", ["vm.nvram", "VM-2.NVRAM", "anything.bin"])
def test_file_that_a_setting_refers_to_is_used(name: str, value: str) -> None:
    assert lint_bytes(with_file(name, TOOLS + EXTRA.format("nvram", value))) == ()
    config = EXTRA.format("nvram", value).replace("ExtraConfig", "Config")
    assert lint_bytes(with_file(name, TOOLS + config)) == ()


@pytest.mark.parametrize("value", ["", "ovf:/disk/file2", "ovf:/file/other"])
def test_nvram_that_no_setting_refers_to_is_never_advised_to_be_removed(value: str) -> None:
    finding = unused(with_file("vm.nvram", TOOLS + EXTRA.format("nvram", value)))
    assert finding.severity == "info"
    assert finding.fix.startswith("Keep the file")
    assert 'vmw:value="ovf:/file/file2"' in finding.fix
    assert "emove" not in finding.fix


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("old.vmdk", "add a Disk"),
        ("tools.iso", "put it in a drive"),
        ("vm.vmxf", "old host"),
        ("vmware.log", "old host"),
        ("layout.json", "Keep it if a tool of the appliance reads it"),
        ("msgbundle.msgs", "Keep it if a tool of the appliance reads it"),
    ],
)
def test_advice_fits_what_the_file_is(name: str, advice: str) -> None:
    finding = unused(with_file(name))
    assert finding.severity == "info"
    assert advice in finding.fix


def empty_disks(number: int) -> str:
    return DISKS + "".join(f'<Disk ovf:capacity="10" ovf:diskId="size{each}"/>' for each in range(number))


def test_each_disk_that_no_vm_has_is_a_warning() -> None:
    findings = lint_bytes(descriptor(disks=empty_disks(2)))
    assert [(finding.rule, finding.severity) for finding in findings] == [("disk-unused", "warning")] * 2


def test_disk_sizes_that_no_deployment_option_uses_are_one_info() -> None:
    data = descriptor(disks=empty_disks(13)).replace(b"<VirtualSystem ", f"{OPTIONS}<VirtualSystem ".encode())
    (finding,) = lint_bytes(data)
    assert (finding.rule, finding.severity) == ("disk-unused", "info")
    assert "13 disks belong to no VM" in finding.message
    assert "'size4' and 8 more" in finding.message
