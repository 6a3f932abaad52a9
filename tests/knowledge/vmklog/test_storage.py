"""SCSI and NVMe status, sense data and commands in log lines, from ESX 3.x to ESXi 8, and what they show."""

from __future__ import annotations

import pytest

from knowledge.vmklog import Finding, decode_line

ISO = "2024-05-07T16:29:50.697Z cpu2:2097713)ScsiDeviceIO: 1: failed "
UPTIME_4 = "vmkernel: 2:16:49:12.573 cpu3:4099)ScsiDeviceIO: 1: failed "


def of_kind(line: str, kind: str, release: str | None = None) -> Finding:
    (found,) = [finding for finding in decode_line(line, release) if finding.kind == kind]
    assert line[found.start : found.end] == found.text
    return found


@pytest.mark.parametrize(
    ("status", "summary"),
    [
        ("H:0x0 D:0x0 P:0x0", "no error"),
        ("H:0x0 D:0x28 P:0x0", "device 0x28 TASK SET FULL"),
        ("H:0x7 D:0x2 P:0x0", "host 0x7 ERROR"),
        ("H:0x7 D:0x2 P:0x5", "plugin 0x5 ATS_MISCOMPARE"),
        ("H:0×7 D:0×2 P:0×5", "plugin 0x5 ATS_MISCOMPARE"),
        ("h:0X7 d:0x0", "host 0x7 ERROR"),
        ("H:0x99 D:0x0 P:0x0", "host 0x99: no known release defines this number"),
    ],
)
def test_plugin_outranks_host_and_host_outranks_device(status: str, summary: str) -> None:
    assert of_kind(ISO + status, "scsi-status").summary.startswith(summary)


def test_a_number_whose_meaning_changed_is_read_by_release_or_with_every_meaning() -> None:
    line = "failed H:0xd D:0x0 P:0x0"
    assert of_kind(line, "scsi-status", "6.7").summary.startswith("host 0xd PI_GUARD_ERROR")
    assert of_kind(UPTIME_4 + line, "scsi-status").summary.startswith("host 0xd REQUEUE")
    meaning = of_kind(line, "scsi-status").meaning
    assert "REQUEUE" in meaning.summary
    assert "PI_GUARD_ERROR" in meaning.summary
    assert meaning.certainty == "open"
    assert meaning.notes


def test_plugin_four_waits_for_thin_provisioning_in_4_and_requeues_since_5() -> None:
    assert "thin provision" in of_kind(UPTIME_4 + "H:0x0 D:0x0 P:0x4", "scsi-status").summary
    assert "REQUEUE" in of_kind(ISO + "H:0x0 D:0x0 P:0x4", "scsi-status").summary


def test_only_valid_sense_data_shows_the_cause() -> None:
    line = ISO + "H:0x0 D:0x2 P:0x0 {} sense data: 0x3 0x11 0x0."
    valid = of_kind(line.format("Valid"), "scsi-sense").meaning
    possible = of_kind(line.format("Possible"), "scsi-sense").meaning
    invalid = of_kind(line.format("Invalid"), "scsi-sense").meaning
    assert (valid.summary, valid.certainty) == ("0x3 0x11 0x0 Medium Error: Unrecovered read error", "certain")
    assert (valid.where, valid.class_) == ("medium", "medium error")
    assert possible.summary.startswith("0x3 0x11 0x0 perhaps Medium Error")
    assert (possible.certainty, possible.class_) == ("open", "")
    assert "stray" in invalid.summary
    assert (invalid.sense, invalid.class_) == (None, "")


def test_bytes_that_cannot_be_sense_data_show_no_cause_even_when_called_valid() -> None:
    found = of_kind(ISO + "H:0x0 D:0x2 P:0x0 Valid sense data: 0x75 0x70 0x64", "scsi-sense")
    assert "out of range" in found.summary


def test_sense_data_that_the_throttle_summary_does_not_call_valid_is_only_likely() -> None:
    found = of_kind("nmp_ThrottleLogForDevice: repeated 10 times, Sense Data: 0x6 0x29 0x0", "scsi-sense")
    assert found.text == "Sense Data: 0x6 0x29 0x0"
    assert (found.meaning.certainty, found.meaning.class_) == ("likely", "transient")
    assert found.meaning.reason == "the line does not state whether the sense data is valid"


def test_a_check_condition_without_sense_data_has_a_note_on_what_is_missing() -> None:
    notes = of_kind(ISO + "H:0x0 D:0x2 P:0x0", "scsi-status").meaning.notes
    assert notes == ("The cause would be in the sense data, but this line has none.",)


def test_a_permanent_device_loss_is_named() -> None:
    line = "NMP: nmp_PathDetermineFailure:2961: Cmd (0x28) PDL error (0x5/0x25/0x0) - path vmhba33:C0:T0:L0"
    found = of_kind(line, "scsi-sense")
    assert found.text == "(0x5/0x25/0x0)"
    assert "Logical unit not supported: permanent device loss" in found.summary
    assert of_kind(line, "scsi-command").summary == "SCSI command 0x28 READ(10)"


def test_esx_3_prints_device_before_host_and_an_ambiguous_number_has_both_meanings() -> None:
    assert of_kind("SCSI: 1: vmhba0:0:1:1 status = 24/0 0x0 0x0 0x0", "scsi-status").summary.startswith(
        "device 0x18 RESERVATION CONFLICT"
    )
    meaning = of_kind("vmhba0:0:1:1 status = 40/0 0x0 0x0 0x0", "scsi-status").meaning
    assert meaning.summary.startswith("device 0x28 TASK SET FULL")
    assert ", or device 0x40 TASK ABORTED" in meaning.summary
    assert any("in decimal or hexadecimal" in note for note in meaning.notes)


def test_the_summary_of_an_esx_3_status_includes_its_sense_bytes() -> None:
    meaning = of_kind("vmhba0:0:1:1 status = 2/0 0x6 0x29 0x0", "scsi-status").meaning
    assert meaning.summary.endswith("sense Unit Attention: Power on, reset, or bus device reset occurred")
    assert meaning.sense is not None


def test_the_format_with_the_host_first_has_a_note_that_this_is_inferred() -> None:
    line = "CheckUnitReady: vmhba1 returned Storage initiator error 0x7/0x0 sk 0x0 asc 0x0 ascq 0x0"
    meaning = of_kind(line, "scsi-status").meaning
    assert meaning.summary.startswith("host 0x7 DID_ERROR")
    assert any("inferred" in note for note in meaning.notes)


def test_an_operation_code_is_named_only_in_a_line_with_a_status() -> None:
    assert decode_line("Cmd 0x28 is queued") == []


PDL_LINES = {
    "valid": ISO + "H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x25 0x0.",
    "PDL error": "NMP: nmp_PathDetermineFailure:2961: Cmd (0x28) PDL error (0x5/0x25/0x0) - path vmhba33:C0:T0:L0",
    "slashed": "NMP: nmp_PathDetermineFailure:2961: Cmd (0x28) failed (0x5/0x25/0x0) - path vmhba33:C0:T0:L0",
    "throttle": "nmp_ThrottleLogForDevice: repeated 10 times, Sense Data: 0x5 0x25 0x0",
    "ESX 3.x": "SCSI: 1: vmhba0:0:1:1 status = 2/0 0x5 0x25 0x0",
    "failed self-configuration": ISO + "H:0x0 D:0x2 P:0x0 Valid sense data: 0x4 0x4c 0x0.",
}


@pytest.mark.parametrize("line", PDL_LINES.values(), ids=PDL_LINES)
def test_sense_bytes_that_mean_a_permanent_device_loss_do_so_in_every_format(line: str) -> None:
    (found,) = [finding for finding in decode_line(line) if finding.meaning.class_]
    assert "permanent device loss (PDL)" in found.summary
    assert (found.meaning.where, found.meaning.class_) == ("LUN", "PDL")
    assert "permanent-device-loss" in found.meaning.procedures
    assert found.meaning.next


@pytest.mark.parametrize("line", ["(0x5/0x25/0x0)", "NetPort: 1: state (0x5/0x25/0x0)", "USB device (0x3/0x11/0x0)"])
def test_three_numbers_in_a_line_that_is_not_about_scsi_are_open_and_have_no_advice(line: str) -> None:
    (found,) = decode_line(line)
    assert (found.kind, found.meaning.certainty, found.meaning.class_) == ("scsi-sense", "open", "")
    assert "if this is sense data" in found.summary
    assert "nothing else in the line is about SCSI" in found.meaning.reason


@pytest.mark.parametrize("line", ["driver version (0x41/0x2/0x3)", "counters (0x0/0x0/0x0)"])
def test_numbers_outside_a_line_about_scsi_that_cannot_be_an_error_are_nothing(line: str) -> None:
    assert decode_line(line) == []


@pytest.mark.parametrize(
    "context", ["ScsiDeviceIO: 1:", "naa.600140500000000000000000000000cc", "vmhba33:C0:T0:L0", "sense", "nmp_Do: 2:"]
)
def test_three_numbers_in_a_line_about_scsi_are_sense_data(context: str) -> None:
    assert of_kind(f"{context} failed (0x5/0x25/0x0)", "scsi-sense").meaning.class_ == "PDL"


def test_a_line_that_names_the_permanent_device_loss_is_believed_whatever_its_sense_bytes() -> None:
    found = of_kind("Cmd (0x28) PDL error (0x4/0x80/0x1) - path vmhba33:C0:T0:L0", "scsi-sense")
    assert found.meaning.class_ == "PDL"
    assert found.meaning.reason == "the line itself names the permanent device loss"


FAILED = 'ScsiDeviceIO: 1: Cmd(0x459a40a31b80) {}, CmdSN 0x5e5 from world 2099 to dev "x" failed {}'
SMART = "H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x20 0x0."


def test_an_unknown_command_is_harmless_only_when_it_just_asks_for_information() -> None:
    smart = of_kind(FAILED.format("0x85", SMART), "scsi-sense").meaning
    assert (smart.class_, smart.where, smart.certainty) == ("harmless", "", "certain")
    assert smart.next.startswith("No action is needed")
    hardware_locking = of_kind(FAILED.format("0x89", SMART), "scsi-sense").meaning
    assert (hardware_locking.class_, hardware_locking.where) == ("configuration", "target or array")
    assert of_kind(ISO + SMART, "scsi-sense").meaning.class_ != "harmless"
    possible = FAILED.format("0x85", SMART.replace("Valid", "Possible"))
    assert of_kind(possible, "scsi-sense").meaning.class_ == ""


@pytest.mark.parametrize(
    ("status", "kind", "where", "class_"),
    [
        ("H:0x1 D:0x0 P:0x0 Possible sense data: 0x0 0x0 0x0", "scsi-status", "path or fabric", "path loss"),
        ("H:0x0 D:0x18 P:0x0", "scsi-status", "LUN", "reservation"),
        ("H:0x0 D:0x28 P:0x0", "scsi-status", "target or array", "busy"),
        ("H:0x0 D:0x2 P:0x8 Valid sense data: 0x7 0x27 0x7", "scsi-status", "target or array", "capacity"),
        ("H:0x0 D:0x2 P:0x0 Valid sense data: 0x7 0x27 0x7", "scsi-sense", "target or array", "capacity"),
        ("H:0x0 D:0x2 P:0x0 Valid sense data: 0x4 0x84 0x21", "scsi-sense", "target or array", "hardware"),
    ],
)
def test_the_finding_that_names_the_cause_and_no_other_shows_what_it_is(
    status: str, kind: str, where: str, class_: str
) -> None:
    (found,) = [finding for finding in decode_line(ISO + status) if finding.meaning.class_]
    assert (found.kind, found.meaning.where, found.meaning.class_) == (kind, where, class_)


def test_what_is_not_known_has_no_diagnosis_and_a_reason() -> None:
    for unknown in ("H:0x99 D:0x0 P:0x0", "H:0xd D:0x0 P:0x0"):
        meaning = of_kind("failed " + unknown, "scsi-status").meaning
        assert (meaning.certainty, meaning.where, meaning.class_, meaning.next) == ("open", "", "", "")
        assert meaning.reason
    vendor = of_kind(ISO + "H:0x0 D:0x2 P:0x0 Valid sense data: 0x9 0x80 0x1", "scsi-sense").meaning
    assert (vendor.certainty, vendor.class_) == ("open", "")
    assert "the vendor of the device defines the other bytes" in vendor.reason


NVMEIO = "WARNING: NVMEIO:2644 command 0x45bd4063c080 failed: ctlr 262, queue {}, psaCmd 0x45bdc63a6b00, {}, cid 180"


def test_an_nvme_status_and_its_opcode_are_named_as_in_the_standard() -> None:
    line = NVMEIO.format(3, "status 0x281, opc 0x2")
    status, command = of_kind(line, "nvme-status"), of_kind(line, "nvme-command")
    assert status.summary == "NVMe status 0x281 Unrecovered Read Error (media and data integrity errors)"
    assert (status.meaning.where, status.meaning.class_) == ("medium", "medium error")
    assert status.meaning.procedures == ("nvme-errors",)
    assert status.meaning.next.startswith("The drive lost data.")
    assert "esxcli storage core device smart get -d DEVICE" in status.meaning.next
    assert command.summary == "NVMe command 0x2 Read"


def test_an_opcode_on_the_admin_queue_is_an_admin_command() -> None:
    assert of_kind(NVMEIO.format(0, "status 0x109, opc 0x2"), "nvme-command").summary.endswith("Get Log Page")
    unknown = of_kind("NVMEDEV: failed, status 0x109, opc 0x2", "nvme-command").meaning
    assert unknown.summary.endswith("Read, or Get Log Page on the admin queue")
    assert unknown.certainty == "open"


@pytest.mark.parametrize("command", ["opc 0x5", "> opc 0x1"])
def test_a_drive_that_does_not_take_compare_and_write_as_a_pair_cannot_have_vmfs(command: str) -> None:
    meaning = of_kind(NVMEIO.format(1, f"status 0xa, {command}"), "nvme-status").meaning
    assert "Missing Fused Command" in meaning.summary
    assert (meaning.where, meaning.class_) == ("target or array", "configuration")
    assert "no VMFS datastore can be created" in meaning.next


def test_the_flag_do_not_retry_does_not_hide_the_status() -> None:
    meaning = of_kind(NVMEIO.format(3, "status 0x4281, opc 0x2"), "nvme-status").meaning
    assert "Unrecovered Read Error" in meaning.summary
    assert "Do Not Retry" in meaning.notes[0]


def test_a_path_related_status_is_the_path_and_a_code_of_esxi_itself_stays_open() -> None:
    assert decode_line("NvmeDeviceIO: Cmd 0x2 (0x45b9) failed, status: 0x370")[0].meaning.class_ == "path loss"
    aborted = decode_line("NvmeDeviceIO: Cmd 0x2 (0x45b9) failed, status: 0x371")[0].meaning
    assert "Command Aborted By Host (path related status)" in aborted.summary
    own = of_kind("NVMEPSA:203 Complete vmkNvmeCmd: 0x45b9033224c0, status: 0x80d", "nvme-status").meaning
    assert (own.certainty, own.class_) == ("open", "")
    assert "no device can send this number" in own.reason


def test_a_scsi_command_that_was_translated_to_nvme_is_named_as_a_scsi_command() -> None:
    line = "NvmeScsi: 172: SCSI opcode {} (0x45d9757eeb48) failed with NVMe error status: 0x1 translating to SCSI error"
    assert of_kind(line.format("0x85"), "scsi-command").summary == "SCSI command 0x85 ATA PASS-THROUGH(16)"
    assert of_kind(line.format("0x85"), "nvme-status").meaning.class_ == "harmless"
    assert of_kind(line.format("0x42"), "nvme-status").meaning.class_ == ""


@pytest.mark.parametrize(
    "line",
    [
        'Config: 703: "NVMECompletionWorlds" = 4, Old Value: 1, (Status: 0x0)',
        "LSOM: device t10.NVMe____INTEL_SSDPEDME400G4__00000001:1 has status 0x10",
    ],
)
def test_a_status_of_something_else_is_not_an_nvme_status(line: str) -> None:
    assert not [finding for finding in decode_line(line) if finding.kind.startswith("nvme")]
