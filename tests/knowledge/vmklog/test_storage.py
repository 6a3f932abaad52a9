"""SCSI status and sense data in log lines, from ESX 3.x to ESXi 8."""

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
    line = ISO + "H:0x0 D:0x2 P:0x0 {} sense data: 0x5 0x24 0x0."
    valid = of_kind(line.format("Valid"), "scsi-sense").meaning
    possible = of_kind(line.format("Possible"), "scsi-sense").meaning
    invalid = of_kind(line.format("Invalid"), "scsi-sense").meaning
    assert (valid.summary, valid.certainty) == ("0x5 0x24 0x0 Illegal Request: Invalid field in cdb", "certain")
    assert possible.summary.startswith("0x5 0x24 0x0 perhaps Illegal Request")
    assert possible.certainty == "open"
    assert "stray" in invalid.summary
    assert invalid.sense is None


def test_bytes_that_cannot_be_sense_data_show_no_cause_even_when_called_valid() -> None:
    found = of_kind(ISO + "H:0x0 D:0x2 P:0x0 Valid sense data: 0x75 0x70 0x64", "scsi-sense")
    assert "out of range" in found.summary


def test_the_throttle_summary_has_sense_data_without_a_verdict() -> None:
    found = of_kind("nmp_ThrottleLogForDevice: repeated 10 times, Sense Data: 0x6 0x29 0x0", "scsi-sense")
    assert found.text == "Sense Data: 0x6 0x29 0x0"
    assert found.meaning.certainty == "open"


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


def test_an_nvme_status_is_reported_as_such_and_not_decoded_as_anything_else() -> None:
    (found,) = decode_line("NvmeDeviceIO: Cmd 0x2 (0x45b9) failed, status: 0x371")
    assert (found.kind, found.text, found.meaning.certainty) == ("nvme-status", "0x371", "open")
