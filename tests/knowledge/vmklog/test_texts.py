"""Message texts without an identifier: what they mean, what they are about, and which are harmless."""

from __future__ import annotations

import re

import pytest

from knowledge.vmklog import Finding, decode_line
from knowledge.vmklog.facts import facts
from knowledge.vmklog.phrases import phrases

TABLES = ("log_phrases.tsv", "psod_headings.tsv")


def only(line: str) -> Finding:
    (found,) = [finding for finding in decode_line(line) if finding.kind == "phrase"]
    assert line[found.start : found.end] == found.text
    return found


@pytest.mark.parametrize(
    ("line", "about", "class_", "procedure"),
    [
        ("cpu4:2098598)StorageApdHandler: 1204: APD start for 0x4304abcd0000 [naa.600140500000000000000000000000cc]",
         "naa.600140500000000000000000000000cc", "APD", "all-paths-down"),
        ("Event 3026 : Device or filesystem with identifier [8a5a1336-3d574c6d] has entered the All Paths Down state.",
         "NFS datastore 8a5a1336-3d574c6d", "APD", "all-paths-down"),
        ("Event 4021 : Lost access to volume 5009333b-b7a2d1f8-fc26-e4115bb4a813 (DS01) due to connectivity issues."
         " Recovery attempt is in progress and outcome will be reported shortly.",
         "datastore DS01", "path loss", "lost-access-to-volume"),
        ("Lost connectivity to storage device naa.600601. Path vmhba39:C0:T0:L0 is down. Affected datastores: \"V1\"..",
         "device naa.600601", "path loss", "all-paths-down"),
        ("Event 1 : Device naa.6006 performance has deteriorated. I/O latency increased from average value of 1343"
         " microseconds to 28022 microseconds.", "to 28022 microseconds", "busy", "lost-access-to-volume"),
        ("FS3Misc: 1440: Long VMFS3 rsv time on 'DS01' (held for 261 msecs). # R: 1",
         "datastore DS01, held for 261 msecs", "reservation", "scsi-reservation-conflict"),
        ("DISKLIB-DSCPTR: failed to open '/vmfs/volumes/a/vm.vmdk': Failed to lock the file (400000003)", "", "busy",
         "file-locked"),
        ("msg.hbacommon.outofspace", "", "capacity", "datastore-full"),
        ("[msg.migrate.fail] vMotion migration failed", "", "path loss", "vmotion-failed"),
        ("failed to create a connection with remote host <192.0.2.7>: The ESX hosts", "host 192.0.2.7", "path loss",
         "vmotion-failed"),
        ("Lost connection to the server 192.0.2.1 mount point /vol1, mounted as 10ec8dec-c323e318-0000-000000000000"
         " (\"ds\")", "server 192.0.2.1, share /vol1", "path loss", "nfs-datastore-inaccessible"),
        ("WARNING: Heartbeat: 959: PCPU 2 didn't have a heartbeat for 5 seconds, timeout is 10", "PCPU 2",
         "software fault", "purple-screen"),
        ("LSOM: Event:6440: Virtual SAN device 52db4996-ffdd-9957-485c-e2dcf1057f66 is under permanent error.",
         "device 52db4996-ffdd-9957-485c-e2dcf1057f66", "hardware", "vsan-disk-failed"),
        ("Res3: 7148: Volume 5009333b-b7a2d1f8-fc26-e4115bb4a813 (\"DS 01\") might be damaged on the disk. Resource",
         "datastore DS 01", "software fault", "vmfs-damaged"),
        ("StorageApdHandler: 846: APD Start for ident [8a5a1336-3d574c6d]!", "NFS datastore 8a5a1336-3d574c6d", "APD",
         "nfs-datastore-inaccessible"),
        ("ALERT: hostd detected to be non-responsive", "", "software fault", "host-not-responding"),
        ("cpu1:2097)igbn: vmnic1: NIC Link is Down", "adapter vmnic1", "path loss", "uplink-down"),
        ("NMP: nmp_PathDetermineFailure: Path vmhba2:C0:T0:L1 is dead", "path vmhba2:C0:T0:L1", "path loss",
         "fibre-channel-path-down"),
        ("vmw_psp_rr: psp_rrSelectPath: No paths", "no working path", "path loss", "all-paths-down"),
        ("vmw_psp_rr: psp_rrSelectPathToActivate:1258: No paths available for device naa.6005", "device naa.6005",
         "path loss", "all-paths-down"),
        ("In(05)+ vcpu-9 - The CPU has been disabled by the guest operating system.", "stopped its processors",
         "software fault", "cpu-disabled-by-guest"),
        ("The disk [/path/to/the/disk.vmdk] is encrypted and a required key was not found.", "", "authentication",
         "key-provider-unavailable"),
        ("Event 7 : Remote access for ESXi local user account 'root' has been locked for 900 seconds after 5 failed",
         "account root, time 900 seconds", "authentication", "root-password-lost"),
        ("Insufficient resources to satisfy configured failover level for vSphere HA", "", "capacity", "ha-failover"),
        ("In thread 2927571, fopen(\"/vmfs/volumes/a/v/v.vmx\") took over 140 sec.", "time 140 sec", "busy",
         "lost-access-to-volume"),
        ("[msg.migrate.fail.dst] The source detected that the destination failed to resume.", "target host", "",
         "vmotion-failed"),
        ("[msg.x] The migration has exceeded the maximum switchover time of 100 second(s).", "100 second", "busy",
         "vmotion-failed"),
        ("HBX: 3058: 'ds-prod-01': HB at offset 3407872 - Waiting for timed out HB:", "datastore ds-prod-01",
         "path loss", "lost-access-to-volume"),
        ("NVMEDEV:8621 Controller 257 is in failed state", "controller 257", "path loss", "nvme-errors"),
        ("Heartbeat: 794: PCPU 14 didnt have a heartbeat for 7 seconds; *may* be locked up", "PCPU 14",
         "software fault", "purple-screen"),
        ("Heartbeat: 794: PCPU 14 didn’t have a heartbeat for 7 seconds; *may* be locked up", "time 7 seconds",
         "software fault", "purple-screen"),
        ("MCE: 190: cpu1: bank3: status=0x9020000f0120100e: (VAL=1, OVFLW=0, UC=1, EN=1, PCC=1", "could not correct",
         "hardware", "purple-screen"),
        ("qlnativefc: vmhba3(5:0.0): LOOP DOWN detected (2 7 0 0).", "lost its link", "path loss", "all-paths-down"),
        ("lpfc_handle_status:5400: 0:(0):9030 FCP cmd x2a failed <0/4> status: x3", "command x2a, target 0, LUN 4",
         "transient", "scsi-sense"),
        ("vmx| [msg.migrate.expired] Timed out waiting for migration start request.", "did not start it in time",
         "path loss", "vmotion-failed"),
        ("StorageApdHandler: 421: APD start event for 0x4108002d2270 [naa.600140500000000000000000000000cc]",
         "naa.600140500000000000000000000000cc", "APD", "all-paths-down"),
        ("iscsid: Login Target Failed: iqn.1998-01.com.example:d1 if=iscsi_vmk@vmk1 addr=192.0.2.1:3260 (TPGT:1)"
         " err=20", "target iqn.1998-01.com.example:d1", "path loss", "iscsi-login-failed"),
        ("MCA: 208: UC Excp G4 86 Sbb00002000000e0b AB M180008 P8/8 I/O error", "", "hardware", "purple-screen"),
    ],
)  # fmt: skip
def test_a_text_names_what_it_is_about_and_what_helps(line: str, about: str, class_: str, procedure: str) -> None:
    meaning = only(line).meaning
    assert about in meaning.summary
    assert meaning.class_ == class_
    assert procedure in meaning.procedures
    assert meaning.next


def test_the_span_of_a_text_leaves_out_the_name_that_is_a_finding_of_its_own() -> None:
    line = "APD start for 0x4304abcd0000 [naa.600140500000000000000000000000cc]"
    text, name = decode_line(line)
    assert (text.kind, text.text) == ("phrase", "APD start for 0x4304abcd0000")
    assert name.kind == "naa"
    volume = "Lost access to volume 5009333b-b7a2d1f8-fc26-e4115bb4a813 (DS01) due to connectivity issues."
    assert decode_line(volume)[0].text == "Lost access to volume"


@pytest.mark.parametrize(
    ("line", "condition"),
    [
        ("ErrDev: 94: The err device was accessed.  This should not happen frequently.", "unless the line repeats"),
        ("[msg.dictionary.load.openFailed] Cannot open file \"/etc/vmware/config\"", "optional file"),
        ("Vol3: 950: Unable to register file system 4b6b8155-cd9c-91af-9a96-44a842145c12 for APD timeout notifications:"
         " Inappropriate ioctl for device", "unless the line names a shared datastore"),
        ("StorageApdHandler: 967: APD Handle 9093fe95-3a4075e7 Created with lock[StorageApd-0x431]", "each device"),
    ],
)  # fmt: skip
def test_a_harmless_line_says_so_and_when(line: str, condition: str) -> None:
    meaning = only(line).meaning
    assert meaning.class_ == "harmless"
    assert condition in f"{meaning.summary} {meaning.next}"


def test_a_known_event_in_the_line_takes_the_place_of_its_text_and_an_unknown_one_does_not() -> None:
    text = "Device or filesystem with identifier [8a5a1336-3d574c6d] has entered the All Paths Down state."
    kinds = [[found.kind for found in decode_line(f"[vob.storage.apd.{name}] {text}")] for name in ("start", "new")]
    assert kinds == [["event", "datastore"], ["event", "datastore", "phrase"]]


def test_a_machine_check_that_was_corrected_is_called_that() -> None:
    line = "MCE: 1356: cpu14: bank7: status=0x8c00004000010091: (VAL=1, OVFLW=0, UC={uc}, EN=0"
    assert "that it corrected" in only(line.format(uc=0)).summary
    assert "that it could not correct" in only(line.format(uc=1)).summary
    assert only(line[: line.index(" OVFLW")]).summary.startswith("The processor reports a machine check error: PCPU 14")


def test_a_link_that_is_up_again_is_a_recovery() -> None:
    assert "has its link again" in only("qlnativefc: vmhba3(5:0.0): LOOP UP detected (8 Gbps).").summary


def test_no_text_advises_to_decode_the_log_that_is_being_decoded() -> None:
    for table in (*TABLES, "cpu_exceptions.tsv", "vim_faults.tsv", "quiesce_errors.tsv", "iscsi_login_status.tsv"):
        assert not [key for key, fact in facts(table).items() if "vmkops decode" in fact.next]


@pytest.mark.parametrize("line", ["lost ACCESS to volume", "no more space", "the file is fine", "vmnic0 state"])
def test_other_words_are_not_known_texts(line: str) -> None:
    assert decode_line(line) == []


@pytest.mark.parametrize("table", TABLES)
def test_patterns_are_simple_enough_to_select_lines_by_them(table: str) -> None:
    for phrase in phrases(table):
        pattern = phrase.pattern
        assert len(phrase.literal) >= 6, pattern
        assert "|" not in pattern, pattern
        assert "(?:" not in pattern, pattern
        assert not re.search(r"(?<!\\)[*+]", pattern), f"unbounded: {pattern}"
        assert r"[^" not in pattern or r"\n" in pattern, pattern
    for key, fact in facts(table).items():
        assert fact.source, key
        assert fact.meaning, key
