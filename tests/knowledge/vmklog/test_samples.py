"""Real lines from public pages are decoded as the comment above each one states."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.vmklog import decode_line

SAMPLES = Path(__file__).with_name("vmkernel_log_samples.txt").read_text(encoding="utf-8").splitlines()
LINES = [line for line in SAMPLES if line and not line.startswith("#")]

NO_SENSE = ("scsi-sense", "Possible sense data: 0x0 0x0 0x0", "no sense data (all zero)")
READ = ("scsi-command", "0x28", "SCSI command 0x28 READ(10)")
WRITE = ("scsi-command", "0x2a", "SCSI command 0x2a WRITE(10)")
CHECK = ("scsi-status", "H:0x0 D:0x2 P:0x0", "device 0x2 CHECK CONDITION")
SOFT = ("scsi-status", "H:0xb D:0x0 P:0x0", "host 0xb SOFT_ERROR")
RESET = ("scsi-status", "H:0x8 D:0x0 P:0x0", "host 0x8 RESET")
NVME_DISK = "eui.fbed1aa753034b1c8f7b313c8b77658c"

EXPECTED: list[tuple[str, list[tuple[str, str, str]]]] = [
    ("FileIO failed with 0x0xbad0006", [("vmkernel", "0x0xbad0006", "0xbad0006 Limit exceeded")]),
    ("vmhba1:0:1:0 status = 0/2", [("scsi-status", "status = 0/2 0x0 0x0 0x0", "host 0x2 DID_BUS_BUSY")]),
    ("vmhba0:0:1:1 status = 0/8", [("scsi-status", "status = 0/8 0x0 0x0 0x0", "host 0x8 DID_RESET")]),
    ("vmhba1:1:6:0 status = 0/1", [("scsi-status", "status = 0/1 0x0 0x0 0x0", "host 0x1 DID_NO_CONNECT")]),
    ("Maximum switchover time (100 seconds)", [
        ("phrase", "Maximum switchover time", "vMotion was given up because the switchover took too long"),
    ]),
    ("exceeded(0xbad0109)", [("vmkernel", "0xbad0109", "0xbad0109 Maximum switchover time for migration exceeded")]),
    ("Status(bad0006)= Limit exceeded", [("vmkernel", "bad0006", "0xbad0006 Limit exceeded")]),
    ("naa.xxxxxxxxxxxxx", [
        READ, CHECK,
        ("scsi-sense", "Valid sense data: 0x6 0x3f 0xe", "0x6 0x3f 0xe Unit Attention: Reported luns data has changed"),
    ]),
    ("naa.6006xxx", [
        ("phrase", "I/O could not be issued to device", "I/O could not be sent to the device"),
        ("vmkernel", "Not found", "Not found (VMK_NOT_FOUND)")]),
    ("vmhba2:C0:T0:L4", [
        READ, ("naa", "naa.600601608c121200f80d33192b62dd11", "naa.600601608c121200f80d33192b62dd11: "),
        RESET, NO_SENSE,
    ]),
    ("esx405", [
        READ, ("naa", "naa.60000970000292600219533031453245", "naa.60000970000292600219533031453245: "),
        ("scsi-status", "H:0x1 D:0x0 P:0x3", "plugin 0x3 RESERVATION_LOST"), NO_SENSE,
    ]),
    ("World_New+0xbe stack: 0xbad0014", []),
    ("nmp_ThrottleLogForDevice:2318", [READ, SOFT, NO_SENSE]),
    ("CmdSN 0x8000006c", [READ, SOFT, NO_SENSE]),
    ("CmdSN 0x2646", [
        ("scsi-command", "0x16", "SCSI command 0x16 RESERVE(6)"),
        ("scsi-status", "H:0x5 D:0x0 P:0x0", "host 0x5 ABORT"), NO_SENSE,
    ]),
    ("failed to end preCopy stream", [("vmkernel", "IO was aborted", "IO was aborted (VMK_ABORTED)")]),
    ("IO was aborted (0xbad00e0)", [("vmkernel", "0xbad00e0", "0xbad00e0 IO was aborted (VMK_ABORTED)")]),
    ("t10.ATA", [
        WRITE,
        ("t10", "t10.ATA_____Crucial_CT1050MX300SSD4_________________________163713E82C00", "t10.ATA_____Crucial"),
        ("scsi-status", "H:0x2 D:0x0 P:0x0", "host 0x2 BUS_BUSY"),
        ("scsi-sense", "Invalid sense data: 0x75 0x70 0x64", "Invalid sense data 0x75 0x70 0x64: the bytes"),
    ]),
    ("naa.6001405fc65b", [
        ("scsi-command", "0x1a", "SCSI command 0x1a MODE SENSE(6)"),
        ("naa", "naa.6001405fc65b3e55557495ba9c92bda3", "naa.6001405fc65b3e55557495ba9c92bda3: "), CHECK,
        ("scsi-sense", "Valid sense data: 0x2 0x8 0x0", "0x2 0x8 0x0 Not Ready: Logical unit communication failure"),
    ]),
    ("naa.514f0c5ec2000008", [
        WRITE, ("naa", "naa.514f0c5ec2000008", "naa.514f0c5ec2000008: "), RESET, NO_SENSE,
    ]),
    ("Error cloning thread: -28 (bad0081)", [
        ("errno", "-28", "Linux errno 28 ENOSPC"),
        ("vmkernel", "bad0081", "0xbad0081 Admission check failed for memory resource"),
    ]),
    ("sitpua", [("eui", NVME_DISK, NVME_DISK), ("vmkernel", "Not supported", "Not supported (VMK_NOT_SUPPORTED)")]),
    ("Failed to Unregister", [("eui", NVME_DISK, NVME_DISK), ("vmkernel", "Not found", "Not found (VMK_NOT_FOUND)")]),
    ("queue not connected: Failure", [("vmkernel", "Failure", "Failure (VMK_FAILURE)")]),
    ("<0xbad0001>", [
        ("nqn", "nqn.2016-06.io.spdk:cnode1", "nqn.2016-06.io.spdk:cnode1: an NVMe Qualified Name"),
        ("vmkernel", "0xbad0001", "0xbad0001 Failure (VMK_FAILURE)"),
    ]),
    ("status: 0x80d", [("nvme-status", "0x80d", "NVMe status 0x80d: a status of ESXi itself")]),
    ("CmdSN 0x1578666", [
        ("scsi-command", "0x89", "SCSI command 0x89 COMPARE AND WRITE"), CHECK,
        ("scsi-sense", "Valid sense data: 0xe 0x1d 0x0", "0xe 0x1d 0x0 Miscompare: Miscompare during verify"),
    ]),
    ("PCPU 2 didn't have a heartbeat", [
        ("phrase", "didn't have a heartbeat for", "A processor did not respond for some seconds"),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("part", "expected"), EXPECTED, ids=[part for part, _ in EXPECTED])
def test_a_published_line_is_decoded_as_its_source_states(part: str, expected: list[tuple[str, str, str]]) -> None:
    (line,) = [line for line in LINES if part in line]
    found = [finding for finding in decode_line(line) if finding.kind not in ("path", "adapter")]
    assert [(finding.kind, finding.text) for finding in found] == [(kind, text) for kind, text, _ in expected]
    for finding, (_, _, summary) in zip(found, expected, strict=True):
        assert finding.summary.startswith(summary)
        assert line[finding.start : finding.end] == finding.text


def test_every_published_line_has_an_expectation() -> None:
    assert len(LINES) == len(EXPECTED)


@pytest.mark.parametrize(
    ("part", "release", "settled_by"),
    [
        ("FileIO failed with 0x0xbad0006", "ESX 3.x", "format"),
        ("exceeded(0xbad0109)", "ESX 4.x", "format"),
        ("IO was aborted (0xbad00e0)", "ESXi 5.0 and later", "text"),
        ("failed to end preCopy stream", "ESXi 5.0 and later", "format"),
        ("-28 (bad0081)", "ESXi 5.0 and later", "errno"),
        ("<0xbad0001>", "ESXi 5.0 and later", "format"),
        ("Status(bad0006)= Limit exceeded", "", ""),
    ],
)
def test_the_release_of_a_published_line_is_the_one_its_source_names(part: str, release: str, settled_by: str) -> None:
    (line,) = [line for line in LINES if part in line]
    (found,) = [finding for finding in decode_line(line) if finding.kind == "vmkernel"]
    assert (found.meaning.release, found.meaning.settled_by) == (release, settled_by)
    assert found.meaning.reason
