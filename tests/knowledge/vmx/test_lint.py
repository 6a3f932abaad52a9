"""The linter reports every fault of a wrong VMX, and nothing about a correct one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.finding import Finding, is_valid
from knowledge.vmx.lint import lint
from knowledge.vmx.parse import parse
from knowledge.vmx.snippets import render

CORRECT = """.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "7"
displayName = "fileserver"
guestOS = "rhel5-64"
scsi0.present = "TRUE"
scsi0.virtualDev = "lsilogic"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "fileserver.vmdk"
ide1:0.present = "TRUE"
ide1:0.deviceType = "cdrom-raw"
ide1:0.startConnected = "FALSE"
floppy0.present = "FALSE"
ethernet0.present = "TRUE"
ethernet0.virtualDev = "vmxnet3"
tools.upgrade.policy = "manual"
"""


def found(vmx: str, rule: str) -> Finding:
    (finding,) = [finding for finding in lint(vmx) if finding.rule == rule]
    return finding


def without(*prefixes: str) -> str:
    return "".join(line for line in CORRECT.splitlines(keepends=True) if not line.startswith(prefixes))


def test_a_correct_vmx_has_no_finding() -> None:
    assert lint(CORRECT) == []


@given(st.one_of(st.text(), st.binary()))
def test_no_input_makes_the_linter_raise(source: str | bytes) -> None:
    for finding in lint(source):
        assert finding.severity in {"error", "warning", "info"}


def test_errors_come_first() -> None:
    severities = [finding.severity for finding in lint("junk\n" + without("displayName", "floppy0", "guestOS"))]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    assert len(set(severities)) == 3


@pytest.mark.parametrize("key", ["config.version", "virtualHW.version", "guestOS"])
def test_a_missing_essential_key_is_an_error(key: str) -> None:
    finding = found(without(key), "missing-key")
    assert (finding.severity, finding.where) == ("error", key)
    assert not is_valid(lint(without(key)))


def test_a_missing_name_is_a_warning_and_the_vmx_still_valid() -> None:
    vmx = without("displayName")
    assert found(vmx, "missing-key").severity == "warning"
    assert is_valid(lint(vmx))


def test_an_ide_disk_is_a_warning_with_the_scsi_lines_for_the_next_free_slot() -> None:
    vmx = CORRECT + 'ide0:0.present = "TRUE"\nide0:0.fileName = "old.vmdk"\n'
    finding = found(vmx, "ide-disk")
    assert finding.where == "line 17: ide0:0.present"
    assert 'scsi0:1.fileName = "old.vmdk"' in finding.fix.splitlines()


def test_a_cdrom_on_ide_is_not_an_ide_disk() -> None:
    assert not [finding for finding in lint(CORRECT) if finding.rule == "ide-disk"]


@pytest.mark.parametrize("kind", ["cdrom-image", "cdrom-raw", "atapi-cdrom"])
def test_a_cdrom_that_is_connected_at_power_on_is_a_warning(kind: str) -> None:
    vmx = without("ide1:0") + f'ide1:0.present = "TRUE"\nide1:0.deviceType = "{kind}"\n'
    assert found(vmx, "cdrom-connected").fix == 'ide1:0.startConnected = "FALSE"'


def test_a_floppy_is_present_by_default() -> None:
    assert found(without("floppy0"), "floppy-connected").severity == "info"
    assert found(without("floppy0") + 'floppy0.fileName = "/dev/fd0"\n', "floppy-connected").severity == "warning"


def test_periodic_synchronization_by_tools_is_an_info_that_prefers_ntp() -> None:
    finding = found(CORRECT + 'tools.syncTime = "TRUE"\n', "tools-sync")
    assert (finding.severity, finding.fix) == ("info", 'tools.syncTime = "FALSE"')
    assert "NTP" in finding.message


def test_no_synchronization_by_tools_is_no_finding() -> None:
    assert lint(CORRECT + 'tools.syncTime = "FALSE"\n') == []


def test_the_key_in_the_spelling_of_the_notes_has_no_effect() -> None:
    assert "tools.syncTime" in found(CORRECT + 'tools.timeSync = "TRUE"\n', "tools-sync").message


def test_a_vlance_card_with_tools_is_a_warning() -> None:
    vmx = without("ethernet0.virtualDev") + 'ethernet0.virtualDev = "vlance"\n'
    assert found(vmx, "slow-nic").fix == 'ethernet0.virtualDev = "vmxnet3"'
    esx_35 = vmx.replace('virtualHW.version = "7"', 'virtualHW.version = "4"')
    assert found(esx_35, "slow-nic").fix == 'ethernet0.virtualDev = "vmxnet"'
    assert "slow-nic" not in [finding.rule for finding in lint(vmx.replace("tools.upgrade.policy", "comment.x"))]


def test_a_card_without_a_type_is_flexible_only_in_a_32_bit_guest() -> None:
    vmx = without("ethernet0.virtualDev")
    assert "flexible-nic" not in [finding.rule for finding in lint(vmx)]
    assert found(vmx.replace("rhel5-64", "rhel4"), "flexible-nic").severity == "info"


def test_a_disk_on_an_absent_controller_is_an_error() -> None:
    assert found(without("scsi0.present"), "absent-controller").fix == 'scsi0.present = "TRUE"'


def test_the_unit_of_the_controller_itself_cannot_be_a_disk() -> None:
    finding = found(CORRECT + 'scsi0:7.present = "TRUE"\nscsi0:7.fileName = "b.vmdk"\n', "reserved-unit")
    assert finding.severity == "error"
    assert {'scsi0:1.fileName = "b.vmdk"', 'scsi0:7.present = "FALSE"'} <= set(finding.fix.splitlines())


def test_a_device_of_newer_virtual_hardware_is_an_error() -> None:
    finding = found(of_version(4), "needs-newer-hardware")
    assert finding.where == "line 15: ethernet0.virtualDev"
    assert "backup first" in finding.message


@pytest.mark.parametrize("device", ['scsi0.virtualDev = "pvscsi"', 'sata0.present = "TRUE"', 'nvme0.present = "TRUE"'])
def test_the_fix_for_a_newer_device_keeps_the_driver_that_the_guest_boots_with(device: str) -> None:
    vmx = without("virtualHW", "scsi0.virtualDev", "ethernet0") + f'virtualHW.version = "4"\n{device}\n'
    fix = found(vmx, "needs-newer-hardware").fix
    assert fix.startswith("virtualHW.version")
    assert is_valid(lint(vmx.replace('virtualHW.version = "4"', fix)))


@pytest.mark.parametrize(("controller", "since"), [("sata0", 10), ("nvme0", 13)])
def test_a_sata_or_nvme_controller_needs_the_hardware_that_introduced_it(controller: str, since: int) -> None:
    line = f'{controller}.present = "TRUE"\n'
    assert f"virtualHW.version {since} or newer" in found(of_version(since - 1) + line, "needs-newer-hardware").message
    assert is_valid(lint(of_version(since) + line))


def test_a_serial_port_over_the_network_is_an_info_unless_a_concentrator_follows_the_vm() -> None:
    vmx = CORRECT + 'serial0.present = "TRUE"\nserial0.fileType = "network"\nserial0.fileName = "telnet://:7001"\n'
    assert (found(vmx, "serial-network").severity, found(vmx, "serial-network").fix) == ("info", "")
    assert lint(vmx + 'serial0.vspc = "telnet://192.0.2.1:13370"\n') == []


def of_version(version: object) -> str:
    return CORRECT.replace('virtualHW.version = "7"', f'virtualHW.version = "{version}"')


def test_a_version_that_is_not_a_number_is_an_error() -> None:
    assert found(of_version("seven"), "bad-version").severity == "error"


@pytest.mark.parametrize(
    ("devices", "version"),
    [
        ("", 7),
        ('nvme0.present = "TRUE"\n', 13),
        ('sata0.present = "TRUE"\n', 10),
        ('ethernet1.present = "TRUE"\nethernet1.virtualDev = "e1000e"\n', 8),
        ('scsi1.present = "TRUE"\nscsi1.virtualDev = "pvscsi"\nscsi1:40.present = "TRUE"\n', 14),
        ('nvme0.present = "TRUE"\nnvme0:40.present = "TRUE"\n', 21),
        ('firmware = "efi"\n', 8),
        ('firmware = "efi"\nuefi.secureBoot.enabled = "TRUE"\n', 13),
        ('numvcpus = "8"\n', 7),
        ('numvcpus = "64"\n', 9),
        ('numvcpus = "768"\n', 18),
    ],
)
def test_a_missing_version_is_replaced_by_the_oldest_one_that_has_the_devices(devices: str, version: int) -> None:
    vmx = without("virtualHW") + devices
    assert found(vmx, "missing-key").fix == f'virtualHW.version = "{version}"'
    assert is_valid(lint(found(vmx, "missing-key").fix + "\n" + vmx))


@pytest.mark.parametrize(
    ("version", "host"),
    [
        (8, "ESXi 5.0 or later"),
        (16, "ESXi 7.0 or later"),
        (19, "ESXi 7.0 Update 2 or later"),
        (21, "ESXi 8.0 Update 2 or later"),
        (22, "ESX 9.0 or later"),
    ],
)
def test_the_oldest_host_that_runs_the_hardware_version_is_an_info(version: int, host: str) -> None:
    finding = found(of_version(version), "hardware-version")
    assert (finding.severity, finding.where) == ("info", "line 3: virtualHW.version")
    assert finding.message.startswith(f"Hardware version {version} needs {host};")


@pytest.mark.parametrize(
    ("version", "reason"),
    [(99, "newer than the newest known, 22"), (5, "No product"), (6, "Workstation"), (3, "ESX 4.1 and older")],
)
def test_a_hardware_version_that_no_current_host_runs_is_a_warning(version: int, reason: str) -> None:
    finding = found(of_version(version), "hardware-version")
    assert finding.severity == "warning"
    assert reason in finding.message


@pytest.mark.parametrize("version", [4, 7])
def test_a_hardware_version_that_every_host_runs_is_no_finding(version: int) -> None:
    assert "hardware-version" not in [finding.rule for finding in lint(of_version(version))]


def test_a_memory_size_that_is_no_multiple_of_4_is_an_error() -> None:
    assert found(CORRECT + 'memSize = "255"\n', "memory-size").fix == 'memSize = "256"'
    assert lint(CORRECT + 'memSize = "2048"\n') == []


def test_cpus_that_do_not_fill_their_sockets_are_an_error() -> None:
    vmx = CORRECT + 'numvcpus = "6"\n'
    assert found(vmx + 'cpuid.coresPerSocket = "4"\n', "cores-per-socket").severity == "error"
    assert lint(vmx + 'cpuid.coresPerSocket = "3"\n') == []


def test_curly_quotes_from_a_web_page_are_errors_with_straight_quotes_in_the_fix() -> None:
    pasted = "serial0.present = “true”\nserial0.fileType = “file”\nserial0.fileName = “my console.log”\n"
    fixes = [finding.fix for finding in lint(CORRECT + pasted) if finding.rule == "curly-quotes"]
    assert fixes == pasted.replace("“", '"').replace("”", '"').splitlines()


PIPE = render("serial-pipe", {"path": "/vmfs/volumes/a/pipe"}).texts


def test_a_documented_pipe_is_valid_and_has_a_note_on_the_disputed_setting() -> None:
    findings = lint(CORRECT + PIPE["server"])
    assert [(finding.rule, finding.severity) for finding in findings] == [("pipe-far-end", "info")]


def test_a_pipe_without_an_end_point_is_an_error() -> None:
    vmx = CORRECT + PIPE["server"].replace('serial0.pipe.endPoint = "server"\n', "")
    assert found(vmx, "pipe-endpoint").severity == "error"


def test_a_relative_pipe_is_a_warning_and_a_missing_path_an_error() -> None:
    assert found(CORRECT + PIPE["server"].replace("/vmfs/volumes/a/", ""), "pipe-path").severity == "warning"
    assert found(CORRECT + PIPE["server"].replace("/vmfs/volumes/a/pipe", ""), "pipe-path").severity == "error"


def test_two_ports_of_one_vm_cannot_be_the_same_end() -> None:
    vmx = CORRECT + PIPE["server"] + PIPE["server"].replace("serial0", "serial1")
    assert found(vmx, "pipe-same-end").fix == 'serial1.pipe.endPoint = "client"'


def rules_of_pair(near: str, far: str) -> list[str]:
    return [finding.rule for finding in lint(CORRECT + near, parse(CORRECT + far)) if finding.severity != "info"]


def test_the_two_documented_ends_match() -> None:
    assert rules_of_pair(PIPE["server"], PIPE["client"]) == []


def test_two_servers_on_one_pipe_do_not_match() -> None:
    assert rules_of_pair(PIPE["server"], PIPE["server"]) == ["pipe-same-end"]


def test_ends_with_different_paths_or_buffering_do_not_match() -> None:
    assert rules_of_pair(PIPE["server"], PIPE["client"].replace("/pipe", "/tube")) == ["pipe-mismatch"]
    assert rules_of_pair(PIPE["server"], PIPE["client"].replace('Loss = "true"', 'Loss = "false"')) == ["pipe-mismatch"]
    assert rules_of_pair(PIPE["server"], "") == ["pipe-mismatch"]


def test_a_device_that_is_not_present_is_not_checked() -> None:
    assert lint(CORRECT + 'serial0.present = "FALSE"\nserial0.fileType = "pipe"\n') == []
