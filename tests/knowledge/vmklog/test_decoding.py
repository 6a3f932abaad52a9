"""What a log line means: every format of a vmkernel code, the release it belongs to, and text that is not a code."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from knowledge.diagnosis import Where
from knowledge.errors import Unreadable
from knowledge.procedure_store.folders import BUILT_IN, find_pages
from knowledge.vmkerr.advice import advice_for
from knowledge.vmkerr.table import bundled
from knowledge.vmklog import Finding, decode_line, decode_text, summarize
from knowledge.vmklog.status_advice import Topic, by_line

ISO = "2024-05-07T16:29:50.697Z cpu2:2097713)"
UPTIME_3 = "vmkernel: 11:13:30:24.439 cpu0:1036)"
UPTIME_4 = "vmkernel: 2:16:49:12.573 cpu3:4099)"


def only(line: str, release: str | None = None) -> Finding:
    (found,) = decode_line(line, release)
    assert line[found.start : found.end] == found.text
    return found


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("failed: 0xbad0006", "0xbad0006"),
        ("failed: 0xBAD0006", "0xBAD0006"),
        ("failed: 0X0BAD0006.", "0X0BAD0006"),
        ("failed: 0x0xbad0006", "0x0xbad0006"),
        ("failed: <0xbad0006>", "0xbad0006"),
        ("failed: (bad0006)", "bad0006"),
        ("rc=bad0006", "bad0006"),
        ("failed: 0×bad0006", "0×bad0006"),
        ("failed: “0xbad0006”", "0xbad0006"),
        ("failed (195887110)", "195887110"),
        ("Error 195887110.", "195887110"),
    ],
)
def test_a_code_is_found_in_every_format_that_logs_and_web_pages_use(line: str, text: str) -> None:
    found = only(line)
    assert found.text == text
    assert found.kind == "vmkernel"
    assert [match.code for match in found.meaning.matches] == ["0xbad0006"]


@pytest.mark.parametrize(
    "line",
    [
        "0x4100c7ff7d38:[0x41803645ec6f]World_New+0xbe stack: 0x0, 0x4100bad00140, 0xbad0014, 0x1",
        "Cmd(0xbad0014) 0x2a, CmdSN 0xbad0014 from world 195887110",
        "cpu0:195887110)Sched: 1: nothing",
        "Migrate: 269: 1415416254017461 S: @0xbad0014",
        "rax:0xbad0014 rip=0xbad0014 r12: 0xbad0014",
        "/vmfs/volumes/4e2f0b3c-bad00812-9f1e-001b21aabbcc/vm.vmx",
        "id 0xbad00140 and xbad0014 and 0xbad001 and badcafe and 1958871101",
        "took 195887110.5 ms",
    ],
)
def test_a_pointer_a_stack_a_world_or_a_part_of_a_name_is_not_a_code(line: str) -> None:
    assert decode_line(line) == []


def test_without_a_hint_every_meaning_is_shown() -> None:
    meaning = only("reservation: 0xbad0022").meaning
    assert meaning.summary == "0xbad0022 SCSI reservation conflict (ESX 3.5), or Read only (ESXi 5.0 and later)"
    assert meaning.certainty == "open"
    assert meaning.release == ""


@pytest.mark.parametrize(
    ("prefix", "summary", "release"),
    [
        (ISO, "0xbad0022 Read only (VMK_READ_ONLY)", "ESXi 5.0 and later"),
        ("2024-04-17T17:51:48.584Z Wa(180) vmkwarning: cpu3:262176)", "0xbad0022 Read only (VMK_READ_ONLY)",
         "ESXi 8.0 and later"),
        (UPTIME_3, "0xbad0022 SCSI reservation conflict (VMK_RESERVATION_CONFLICT)", "ESX 3.x"),
    ],
)  # fmt: skip
def test_the_format_of_a_line_shows_its_release_with_the_reason(prefix: str, summary: str, release: str) -> None:
    meaning = only(f"{prefix}FS3: 1: status 0xbad0022").meaning
    assert (meaning.summary, meaning.release) == (summary, release)
    assert (meaning.certainty, meaning.settled_by) == ("likely", "format")
    assert "line" in meaning.reason or "timestamp" in meaning.reason


def test_a_line_of_esx_4_gets_every_meaning_and_a_note_that_no_table_is_known() -> None:
    meaning = only(f"{UPTIME_4}FS3: 1: 0xbad0022").meaning
    assert meaning.certainty == "open"
    assert len(meaning.matches) == 2
    assert any("no table of it is known" in note for note in meaning.notes)


@pytest.mark.parametrize(
    ("line", "summary", "release"),
    [
        ("nmp_AddPathToDevice failed Not supported (195887136)", "Not supported", "ESXi 5.0 and later"),
        ("open failed: Timeout (0xbad0020)", "Timeout", "ESX 3.5"),
        ("Status(bad0017)= Out of resources", "Out of resources", "ESXi 5.0 and later"),
        ("SCSI reservation conflict (0xbad0022)", "SCSI reservation conflict", "ESX 3.5"),
        ("page 83 of the path - No connection (195887168)", "No connection", "ESXi 5.0 and later"),
        ("Fil3: 1: Timeout (ok to retry) (0xbad00e5)", "Timeout (ok to retry)", "ESX 3.5"),
    ],
)
def test_a_text_next_to_a_code_determines_the_release(line: str, summary: str, release: str) -> None:
    (found,) = decode_line(line)
    assert found.meaning.matches[0].description == summary
    assert (found.meaning.release, found.meaning.settled_by, found.meaning.certainty) == (release, "text", "certain")


@pytest.mark.parametrize(
    ("line", "release"),
    [("SCSI reservation conflict (0xbad0022)", "6.7"), (f"{ISO}x: Timeout (ok to retry) (0xbad00e5)", None)],
)
def test_a_text_that_contradicts_a_known_release_leaves_both_meanings_open(line: str, release: str | None) -> None:
    meaning = only(line, release).meaning
    assert meaning.certainty == "open"
    assert [match.releases[0] for match in meaning.matches] == ["esx-3.5", "esxi-5.0"]
    assert "has another meaning for the code than the text next to it" in meaning.reason


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Mar  3 02:11:09 esx01 vmkernel: 61:04:12:55.310 cpu1:1102)Fil3: 4940: READ error 0xbad00e5",
         "VMK_TIMEOUT_RETRY"),
        ("2022-08-30T11:02:17.550Z cpu3:2097901)BC: 2288: I/O error 0xbad00d7 flushing object", "VMK_NO_SPACE"),
        ("2025-02-11T04:00:01.120Z In(182) vmkernel: cpu12:2098345)NetDVS: 1: lookup of world not found 0xbad0010",
         "VMK_INVALID_TARGET"),
        ("2025-02-11T04:00:01.120Z cpu12:2098345)FSS: 1: World Not found 0xbad0010", "VMK_INVALID_TARGET"),
        ("2025-02-11T04:00:01.120Z cpu12:2098345)FSS: 1: Busy 0xbad0022 on host", "VMK_READ_ONLY"),
    ],
)  # fmt: skip
def test_words_of_the_sender_next_to_a_code_do_not_overrule_the_table_of_its_release(line: str, name: str) -> None:
    (meaning,) = [found.meaning for found in decode_line(line) if found.kind == "vmkernel"]
    assert [match.name for match in meaning.matches] == [name]
    assert meaning.certainty in ("likely", "certain")


@pytest.mark.parametrize(
    "text", ["Invalid handle", "Invalid address", "Invalid world", "Not a VLan handle", "Socket not owned by cartel",
             "Stale file handle"]
)  # fmt: skip
def test_a_code_after_its_own_text_is_found_although_the_text_ends_like_a_pointer(text: str) -> None:
    row = next(row for row in bundled().by_release["esxi-6.0"] if row.description == text)
    for line in (f"Lookup vm01.vmx failed: {text} ({row.code:#x})", f"Lookup failed with {text} ({row.code})."):
        found = [finding for finding in decode_line(f"{ISO}NFS: 2267: {line}") if finding.kind == "vmkernel"]
        assert [finding.meaning.matches[0].name for finding in found] == [row.name], line


@pytest.mark.parametrize("words", ["Invalid handle (0xbad0015)", "0xbad0015 (Invalid handle)"])
def test_in_a_line_of_esx_4_the_text_decides_even_where_all_tables_agree_on_the_code(words: str) -> None:
    line = f"Mar  3 02:11:09 esx01 vmkernel: 61:04:12:55.310 cpu1:5102)NFS: 22: Lookup x failed: {words}"
    meaning = only(line).meaning
    assert [match.name for match in meaning.matches] == ["VMK_INVALID_HANDLE"]
    assert meaning.certainty == "likely"


@pytest.mark.parametrize(
    ("line", "text", "name"),
    [
        (f"{ISO}Net: connect failed: Not a VLan handle (0xbad0056)", "Not a VLan handle", "VMK_NOT_EMPTY"),
        (f"{ISO}Net: connect failed: No connection (0xbad0056)", "No connection", "VMK_NOT_EMPTY"),
        ("connect failed: No connection (0xbad0015)", "No connection", "VMK_NO_MEMORY_RETRY"),
    ],
)
def test_text_that_does_not_fit_the_code_in_the_tables_is_told(line: str, text: str, name: str) -> None:
    meaning = only(line).meaning
    assert [match.name for match in meaning.matches] == [name]
    assert any(note.startswith(f"The text next to the code, '{text}', is that of another") for note in meaning.notes)


def test_the_given_release_takes_precedence_over_the_format_of_the_line() -> None:
    meaning = only(f"{ISO}x: 0xbad0022", "3.5").meaning
    assert meaning.matches[0].description == "SCSI reservation conflict"
    assert (meaning.settled_by, meaning.certainty) == ("given", "certain")


def test_an_unknown_release_is_refused_with_a_list_of_the_known_ones() -> None:
    with pytest.raises(Unreadable, match=r"esx-3\.5"):
        decode_line("0xbad0022", "windows")
    with pytest.raises(Unreadable):
        decode_text("", "windows")


def test_a_code_that_no_table_has_is_reported_as_unknown() -> None:
    meaning = only("failed: 0xbad0fff").meaning
    assert meaning.certainty == "open"
    assert meaning.reason == "no known table has the code"
    assert "import" in meaning.summary


def test_a_linux_error_in_a_status_is_named_in_hexadecimal_and_in_decimal() -> None:
    for line in ("rc 0x2bad001c", "rc 732758044"):
        assert "ENOSPC" in only(line).summary
    assert decode_line("rc 732758999 and 732700000") == []


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (f"{ISO}NMP: 1: returned status Busy", "Busy"),
        ('path "naa.x" due to Not found', "Not found"),
        ("Could not detect setting. Error Not supported.", "Not supported"),
        (f"{ISO}Migrate: 269: 1415 S: Failed: IO was aborted", "IO was aborted"),
        ("failed with “Timeout”", "Timeout"),
        (f"{ISO}VMW_SATP_ALUA: 1: state of the group - No connection", "No connection"),
        ("VMW_SATP_ALUA: satp_alua_getTargetPortInfo:160: Could not get page 83 - No connection", "No connection"),
        ("satp_alua_issueCommandOnPath: state of the path - No connection.", "No connection"),
        ("WARNING: NMP: 1: state of the path – Timeout", "Timeout"),
        ("ScsiPath: 4541: state of the path: Busy", "Busy"),
        ("WARNING: ScsiPath: 4541: state of the path : Busy", "Busy"),
        ("nmp_DeviceStart: state of the path: Not found", "Not found"),
        ("the disk cannot be opened - Not found", "Not found"),
        ("the state of the file - SCSI reservation conflict", "SCSI reservation conflict"),
    ],
)
def test_a_standalone_text_counts_where_nothing_else_follows_its_lead(line: str, text: str) -> None:
    found = only(line)
    assert (found.text, found.meaning.certainty) == (text, "certain")


@pytest.mark.parametrize(
    "line",
    [
        "status busy",
        "status Busybox started",
        "due to Timeout of the guest operating system",
        "the state is: Busy",
        "returned status OK",
        "Error Success",
        f"{ISO}State: Busy with work",
        "the state is - Busy",
        "Task: Busy",
        "12:30: Busy",
        f"{ISO}State -Busy",
    ],
)
def test_a_text_that_may_be_ordinary_words_is_not_a_status(line: str) -> None:
    assert decode_line(line) == []


def test_a_standalone_text_shows_its_code_in_the_release_of_the_line() -> None:
    assert [match.code for match in only(f"{ISO}x: status Timeout").meaning.matches] == ["0xbad0021"]
    assert [match.code for match in only(f"{UPTIME_3}x: status Timeout").meaning.matches] == ["0xbad0020"]
    meaning = only("status Timeout").meaning
    assert [match.code for match in meaning.matches] == ["0xbad0020", "0xbad0021"]
    assert meaning.notes == ("Its code depends on the release.",)


def test_a_status_has_the_advice_on_it_when_every_meaning_that_is_left_has_the_same() -> None:
    meaning = only(f"{ISO}x: failed: 0xbad00d7").meaning
    advice = advice_for("VMK_NO_SPACE")
    assert advice
    assert (meaning.where, meaning.class_) == (advice.where, advice.class_)
    assert (meaning.next, meaning.procedures) == (advice.steps[0], advice.procedures)
    assert only(f"{ISO}x: status No space left on device").meaning.next == meaning.next
    several = only("reservation: 0xbad0022").meaning
    assert len(several.matches) > 1
    assert (several.where, several.next) == ("", "")


@pytest.mark.parametrize(
    ("line", "step", "procedure"),
    [
        (
            "LVM: 10097: Device naa.600140500000000000000000000000dd:1: Could not read disk header: Timeout",
            "path list",
            0,
        ),
        ("NFS: 2267: Lookup vm01.vmx failed: Timeout", "esxcli storage nfs list", 1),
        ("NFS: 2267: Lookup vm01.vmx failed: I/O error (0xbad000a)", "esxcli storage nfs list", 1),
        ("NFS: 2267: Lookup vm01.vmx failed: Stale file handle (0xbad0147)", "Restore the fsid on the server", 1),
        ("Migrate: 269: 100 S: Failed: Timeout (0xbad0021)", "vmkping -I vmk1 -d -s 8972", 2),
        ("x: failed: 0xbad0021", "Read the other lines of the same second", 0),
    ],
)
def test_the_step_for_a_status_of_every_subsystem_is_that_for_what_the_line_is_about(
    line: str, step: str, procedure: int
) -> None:
    pages = ("lost-access-to-volume", "nfs-datastore-inaccessible", "vmotion-failed")
    meaning = next(found.meaning for found in decode_line(f"{ISO}{line}") if found.kind == "vmkernel")
    assert step in meaning.next
    assert meaning.procedures[0] == pages[procedure]


def test_the_steps_by_line_are_for_known_statuses_and_name_procedures_that_exist() -> None:
    slugs = {page.slug for page in find_pages(BUILT_IN)}
    for (name, topic), advice in by_line().items():
        assert advice_for(name), name
        assert topic in ("", *get_args(Topic)), name
        assert advice.where in ("", "-", *get_args(Where)), name
        assert advice.next.endswith("."), name
        assert set(advice.procedures) <= slugs, name


def test_a_status_whose_meaning_all_releases_share_is_classified_without_the_release() -> None:
    line = 'VMW_SATP_SVC: Failed to update path "vmhba2:C0:T1:L80" state. Status=SCSI reservation conflict'
    for written in (line, f"{UPTIME_4}{line}"):
        (meaning,) = (found.meaning for found in decode_line(written) if found.kind == "vmkernel")
        assert (meaning.class_, meaning.where) == ("reservation", "LUN")
        assert meaning.next
        assert meaning.procedures == ("scsi-reservation-conflict",)


def test_a_text_or_name_has_its_code_where_the_tables_agree() -> None:
    assert only("[msg.vmk.status.VMK_VMOTION_CONNECT_FAILED] The ESX hosts").meaning.notes == (
        "Its code is 0xbad010b = 195887371.",
    )
    assert only(f"{UPTIME_4}x: VMK_VMOTION_CONNECT_FAILED").meaning.notes == ()


def test_the_advice_on_a_status_never_is_to_decode_the_log() -> None:
    advice = advice_for("VMK_RESERVATION_CONFLICT")
    assert advice
    assert "vmkops decode --summary vmkernel.log" in advice.steps[0]
    assert only(f"{ISO}x: failed: 0xbad0023").meaning.next == advice.steps[1]
    for name in bundled().by_name:
        (found,) = decode_line(f"{ISO}x: cause of failure {name}") or (None,)
        assert found is None or "vmkernel.log`" not in found.meaning.next.partition("vmkops decode")[2]


@pytest.mark.parametrize(
    "line",
    [
        "[msg.vmk.status.VMK_VMOTION_CONNECT_FAILED] The ESX hosts",
        "Migrate: cause of failure VMK_VMOTION_CONNECT_FAILED.",
        "(VMK_VMOTION_CONNECT_FAILED)",
        "status=VMK_VMOTION_CONNECT_FAILED, retry",
    ],
)
def test_the_name_of_a_status_is_certain_in_every_release(line: str) -> None:
    found = only(line)
    assert (found.kind, found.text) == ("vmkernel", "VMK_VMOTION_CONNECT_FAILED")
    assert found.meaning.certainty == "certain"
    assert found.meaning.procedures == ("vmotion-failed",)


def test_a_name_shows_its_code_in_the_release_of_the_line() -> None:
    assert [match.code for match in only(f"{ISO}x: VMK_TIMEOUT").meaning.matches] == ["0xbad0021"]
    assert [match.code for match in only(f"{UPTIME_3}x: VMK_TIMEOUT").meaning.matches] == ["0xbad0020"]
    assert only("x VMK_TIMEOUT").meaning.notes == ("Its code depends on the release.",)


def test_a_name_beside_its_code_is_not_found_twice() -> None:
    assert [found.text for found in decode_line(f"{ISO}x: failed: 0xbad0021 (VMK_TIMEOUT)")] == ["0xbad0021"]
    assert len(decode_line(f"{ISO}x: failed: 0xbad0021 after VMK_BUSY")) == 2


@pytest.mark.parametrize(
    "line",
    ["VMK_SCSI_DEVICE_GOOD", "VMK_TIMEOUT()", "x.VMK_TIMEOUT", "MY_VMK_TIMEOUT", "VMK_BUSY_X", "VMK_OK", "vmk_busy"],
)
def test_another_identifier_is_not_the_name_of_a_status(line: str) -> None:
    assert decode_line(line) == []


def test_an_iscsi_name_is_explained_and_ends_where_the_name_ends() -> None:
    found = only("target iqn.1998-01.com.vmware:esx1-4f3a, portal 10.0.0.1:3260")
    assert found.text == "iqn.1998-01.com.vmware:esx1-4f3a"
    assert "vmware.com" in found.summary


def test_an_impossible_month_makes_a_name_invalid_with_a_reason() -> None:
    meaning = only("target iqn.2001-13.com.example:disk1").meaning
    assert meaning.summary.endswith("not a valid name")
    assert meaning.notes


def test_names_in_curly_quotes_are_found_without_the_quotes() -> None:
    assert only("device “naa.514f0c5ec2000008” lost").text == "naa.514f0c5ec2000008"


def test_lines_are_numbered_from_one_and_the_summary_counts_meanings_most_frequent_first() -> None:
    found = decode_text("nothing\n0xbad0001\r\n\n0xbad0006 0xbad0001\n")
    assert [(finding.line, finding.text) for finding in found] == [
        (2, "0xbad0001"), (4, "0xbad0006"), (4, "0xbad0001"),
    ]  # fmt: skip
    assert summarize(found) == {
        "0xbad0001 Failure (VMK_FAILURE)": 2,
        "0xbad0006 Limit exceeded (VMK_LIMIT_EXCEEDED)": 1,
    }


def test_a_finding_is_plain_json_in_the_names_of_the_http_api() -> None:
    line = f"{ISO}x: failed H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x24 0x0 (0xbad0022)"
    findings = json.loads(json.dumps([finding.to_dict() for finding in decode_line(line)]))
    assert [finding["kind"] for finding in findings] == ["scsi-status", "scsi-sense", "vmkernel"]
    assert all(
        {"line", "start", "end", "text", "kind", "summary", "certainty"} <= finding.keys() for finding in findings
    )
    assert findings[0]["status"]["cause"] == "device"
    assert findings[1]["sense"]["key_name"] == "Illegal Request"
    assert findings[2]["matches"][0]["name"] == "VMK_READ_ONLY"
