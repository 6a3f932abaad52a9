"""What a whole log shows of each subject: when, how often, how bad, and the states that it passed through."""

from __future__ import annotations

import pytest

from knowledge.diagnosis import BY_SEVERITY, FaultClass
from knowledge.loghistory import LogHistory, LogSubject
from knowledge.loghistory.history import MOST_SUBJECTS
from knowledge.loghistory.incident import course
from knowledge.loghistory.minutes import MOST_BUCKETS
from knowledge.vmklog.decoding import decode_line
from knowledge.vmklog.finding import Finding, Meaning
from knowledge.vmklog.stream import Decoded

DISK = "naa.600140500000000000000000000000cc"
VOLUME = "5009333b-b7a2d1f8-fc26-e4115bb4a813"


class Log:
    """Writes a log of which each line reports a fault of some class, next to the names that it has."""

    def __init__(self) -> None:
        self.history = LogHistory()
        self.lines = 0

    def line(
        self, time: str, text: str, class_: FaultClass | str = "", *, next_: str = "", procedures: tuple[str, ...] = ()
    ) -> Log:
        self.lines += 1
        line = f"{time} {text} 0xbad0006"
        name = next((word for word in text.split() if word.startswith("esx.")), "0xbad0006")
        meaning = Meaning(kind="vmkernel", summary="x", class_=class_, next=next_, procedures=procedures)  # type: ignore[arg-type]
        named = [finding for finding in decode_line(line, number=self.lines) if finding.kind != "vmkernel"]
        fault = Finding(self.lines, line.index(name), line.index(name) + len(name), name, meaning)
        self.history.add(Decoded(line, sorted([*named, fault], key=lambda finding: finding.start)))
        return self

    @property
    def subjects(self) -> dict[str, LogSubject]:
        return {subject.title: subject for subject in self.history.report().subjects}

    @property
    def incident(self) -> str:
        return self.history.report().incident


def at(time: str) -> str:
    return f"2025-01-15T{time}.500Z cpu3:1)"


def outage() -> Log:
    return (
        Log()
        .line(at("02:10:09"), DISK, "path loss", next_="Check the paths.", procedures=("dead-paths",))
        .line(at("02:10:20"), DISK, "APD", next_="Check the fabric.", procedures=("all-paths-down",))
        .line(at("02:10:30"), DISK, "path loss")
        .line(at("02:12:29"), f"{DISK} datastore 'DS01'", "PDL", next_="Ask the owner of the array.")
        .line(at("02:15:01"), f"esx.clear.storage.connectivity.restored {DISK}", "transient", next_="Find out why.")
    )


def test_a_device_passes_through_states_that_only_become_worse_until_it_recovers() -> None:
    disk = outage().subjects[f"device {DISK}"]
    assert [(state.state, state.at[11:19]) for state in disk.states] == [
        ("path loss", "02:10:09"), ("APD", "02:10:20"), ("PDL", "02:12:29"), ("recovered", "02:15:01"),
    ]  # fmt: skip
    assert course(disk) == "path loss 02:10:09 -> APD 02:10:20 -> PDL 02:12:29 -> recovered 02:15:01"
    assert (disk.class_, disk.count, disk.peak_per_minute, disk.recovered) == ("PDL", 5, 3, True)
    assert (disk.first, disk.last) == ("2025-01-15T02:10:09Z", "2025-01-15T02:15:01Z")
    assert disk.next == "Ask the owner of the array."
    assert disk.procedures == ("all-paths-down", "dead-paths")


def test_a_state_that_begins_again_after_a_recovery_is_a_new_one() -> None:
    log = outage().line(at("03:00:00"), DISK, "path loss")
    assert course(log.subjects[f"device {DISK}"]).endswith("-> recovered 02:15:01 -> path loss 03:00:00")
    assert "The log does not show that it recovered." in log.incident


def test_a_restored_connection_does_not_end_damage() -> None:
    log = Log().line(at("01:00:00"), DISK, "medium error").line(at("01:01:00"), f"esx.clear.storage.apd.exit {DISK}")
    assert course(log.subjects[f"device {DISK}"]) == "medium error 01:00:00"


def test_what_passes_by_itself_and_an_improved_latency_are_no_states() -> None:
    log = Log()
    for class_ in ("harmless", "transient", "busy", "reservation", ""):
        log.line(at("01:00:00"), DISK, class_)
    log.line(at("01:01:00"), f"esx.clear.scsi.device.io.latency.improved {DISK}", "transient")
    assert log.subjects[f"device {DISK}"].states == ()


def test_logs_of_the_same_hours_that_are_read_one_after_the_other_give_one_course() -> None:
    log = Log().line(at("02:10:20"), DISK, "APD").line(at("02:15:01"), f"esx.clear.storage.apd.exit {DISK}")
    log.line(at("02:10:09"), DISK, "path loss").line(at("02:12:29"), DISK, "APD")
    disk = log.subjects[f"device {DISK}"]
    assert course(disk) == "path loss 02:10:09 -> APD 02:10:20 -> recovered 02:15:01"
    assert disk.first == "2025-01-15T02:10:09Z"


def test_a_device_that_flaps_for_days_keeps_its_first_and_last_states() -> None:
    log = Log()
    for hour in range(24 * 20):
        time = f"2025-01-{1 + hour // 24:02}T{hour % 24:02}"
        log.line(f"{time}:00:00Z", DISK, "path loss").line(f"{time}:30:00Z", f"esx.clear.storage.apd.exit {DISK}")
    disk = log.subjects[f"device {DISK}"]
    assert disk.states[0].at == "2025-01-01T00:00:00Z"
    assert disk.states[-1].at == "2025-01-20T23:30:00Z"
    assert len(disk.states) + disk.states_omitted == 24 * 20 * 2
    assert f"({24 * 20 * 2 - 8} more)" in course(disk)
    assert course(disk).endswith(
        "path loss 2025-01-20 22:00:00 -> recovered 22:30:00 -> path loss 23:00:00 -> recovered 23:30:00"
    )


def test_every_subject_of_a_line_is_followed_and_the_worst_is_first() -> None:
    log = (
        outage()
        .line(at("02:20:00"), "vmhba2:C0:T1:L80 vmnic3 (vmm0:web-01)", "path loss")
        .line(at("02:21:00"), "hostd")
    )
    assert set(log.subjects) == {
        f"device {DISK}", "datastore DS01", "path vmhba2:C0:T1:L80", "adapter vmnic3", "VM web-01", "this host",
    }  # fmt: skip
    classes = [BY_SEVERITY.index(subject.class_) for subject in log.subjects.values()]
    assert classes == sorted(classes, reverse=True)


def test_paths_and_adapters_of_several_hosts_are_not_mixed_but_a_disk_is_the_same() -> None:
    log = Log()
    for host in ("esx01", "esx02"):
        log.line(f"2025-01-15T02:10:09Z {host} vmkernel: ", f"vmhba2 {DISK}", "path loss")
        log.line(f"2025-01-15T02:10:10Z {host} vmkernel: ", "panic", "software fault")
    assert set(log.subjects) == {
        "adapter vmhba2 on esx01", "adapter vmhba2 on esx02", f"device {DISK}", "host esx01", "host esx02",
    }  # fmt: skip
    assert log.subjects[f"device {DISK}"].count == 2


def test_a_device_has_recovered_when_all_hosts_that_lost_it_report_that() -> None:
    recovery = f"esx.clear.storage.connectivity.restored {DISK}"
    log = Log()
    for host in ("esx01", "esx02", "esx01"):
        log.line(f"2025-01-15T02:10:09Z {host} vmkernel: ", DISK, "APD")
    log.line("2025-01-15T02:11:00Z esx01 vobd: ", recovery, "transient")

    disk = log.subjects[f"device {DISK}"]
    assert (disk.recovered, disk.not_recovered_on) == (False, ("esx02",))
    assert course(disk) == "APD 02:10:09"
    assert "The log does not show that it recovered on esx02." in log.incident

    log.line("2025-01-15T02:12:00Z esx02 vobd: ", recovery, "transient")
    disk = log.subjects[f"device {DISK}"]
    assert (disk.recovered, disk.not_recovered_on) == (True, ())
    assert course(disk) == "APD 02:10:09 -> recovered 02:12:00"


def test_the_logs_of_two_hosts_that_are_read_one_after_the_other_do_not_hide_that_one_is_still_down() -> None:
    log = Log()
    log.line("2025-01-15T02:10:09Z esx01 vmkernel: ", DISK, "APD")
    log.line("2025-01-15T02:11:00Z esx01 vobd: ", f"esx.clear.storage.connectivity.restored {DISK}", "transient")
    log.line("2025-01-15T02:10:10Z esx02 vmkernel: ", DISK, "APD")

    disk = log.subjects[f"device {DISK}"]
    assert course(disk) == "APD 02:10:09"
    assert disk.not_recovered_on == ("esx02",)
    assert not disk.recovered


def test_a_device_is_named_before_the_path_that_reported_its_loss() -> None:
    log = Log().line(at("02:10:09"), f"vmhba2:C0:T5:L2 {DISK}", "PDL")
    log.line(at("02:15:01"), f"esx.clear.storage.connectivity.restored {DISK}", "transient")

    assert list(log.subjects) == [f"device {DISK}", "path vmhba2:C0:T5:L2"]


ENDS = [
    ("HBX: 6214: APD EventType: APD_{} (4) for vol 'DS01'", "START", "EXIT"),
    ("StorageApdHandler: 846: APD {} for ident [8a5a1336-3d574c6d]!", "Start", "Exit"),
    (f"[esx.problem.storage.apd.{{}}] Device or filesystem with identifier [{DISK}]", "start", "recovered"),
    ("[vob.scsi.scsipath.pathstate.{}] scsiPath vmhba2:C0:T19:L1 changed state", "dead", "on"),
    ("NFS: 335: {} connection to the server 10.1.1.5 mount point /a, mounted as 8a5a1336-3d574c6d", "Lost", "Restored"),
    ("tg3 0000:04:00.0: vmnic3: Link is {}", "Down", "Up"),
    ("fnic_fdls_link_status_change: 98: vmhba2: FDLS link status change link up:{}, usefip:0", "0", "1"),
]


@pytest.mark.parametrize(("message", "start", "end"), ENDS)
def test_the_message_of_an_end_is_a_recovery(message: str, start: str, end: str) -> None:
    history = LogHistory()
    for number, word in enumerate((start, end), start=1):
        line = at(f"02:1{number}:00") + message.format(word)
        history.add(Decoded(line, decode_line(line, number=number)))

    (subject, *_) = history.report().subjects
    assert subject.recovered, course(subject)


def test_lines_that_name_nothing_are_about_this_host() -> None:
    log = Log().line(at("01:00:00"), "panic", "software fault")
    assert log.incident.startswith("This host: software fault")
    assert list(log.subjects) == ["this host"]


@pytest.mark.parametrize(
    ("line", "begins"),
    [
        (
            "H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x25 0x0",
            "A LUN or datastore that the log does not name: PDL (1 line).",
        ),
        ("esx.problem.scsi.device.state.permanentloss", "A LUN or datastore that the log does not name: PDL (1 line)."),
        ("vim.fault.ApplicationQuiesceFault", "A VM that the log does not name: software fault (1 line)."),
        ("An error occurred while quiescing the virtual machine.", "A VM that the log does not name: software fault"),
        ("vim.fault.FileLocked", "A VM that the log does not name: busy or locked (1 line)."),
        ("Failed to lock the file", "A VM that the log does not name: busy or locked (1 line)."),
        (
            "<4>2025-01-15T02:10:09Z esx01 vmkernel: cpu3:1)H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x25 0x0",
            "A LUN or datastore that the log does not name, on esx01: PDL at 2025-01-15 02:10:09 UTC (1 line).",
        ),
        ("vim.fault.NoPermission", "vCenter: authentication failure (1 line)."),
        ("0xbad0014", "This host: unclassified findings (1 line)."),
    ],
)
def test_host_is_not_blamed_for_a_fault_that_is_elsewhere(line: str, begins: str) -> None:
    history = LogHistory()
    history.add(Decoded(line, decode_line(line, number=1)))
    assert history.report().incident.startswith(begins)


def incident_of(*lines: str) -> str:
    history = LogHistory()
    for number, line in enumerate(lines, start=1):
        history.add(Decoded(line, decode_line(line, number=number)))
    return history.report().incident


def test_a_code_that_says_why_gives_the_next_step_of_an_incident() -> None:
    login = (
        "[esx.problem.storage.iscsi.target.login.error] Login to iSCSI target iqn.2001-05.com.example:vol01 on vmhba64"
        " @ vmk1 failed. Target returned login error of: 0201."
    )
    assert "Next: Check the CHAP name, secret and direction" in incident_of(login)
    quiescing = (
        "Create virtual machine snapshot vm01: An error occurred while quiescing the virtual machine."
        " The error code was: 3 The error message was: Error when enabling the sync provider."
    )
    assert incident_of(quiescing).startswith("VM vm01: software fault")
    assert "Next: On Windows, check the VSS writers" in incident_of(quiescing)


def test_a_busy_device_is_named_next_to_a_lasting_fault_and_the_fault_in_plain_words() -> None:
    assert incident_of(
        f'{at("01:01:01")}ScsiDeviceIO: 4062: Cmd(0x4) 0x2a, CmdSN 0x1f to dev "{DISK}" failed H:0x0 D:0x28 P:0x0',
        f"{at('01:01:02')}WARNING: Migrate: 269: Failed: The ESX hosts failed to connect over the VMotion network",
    ).startswith(
        "This host: configuration fault at 2025-01-15 01:01:02 UTC (1 line). The log does not show that it recovered. "
        f"Also affected: device {DISK} (busy or locked). Next: "
    )


def test_an_nfs_datastore_is_one_subject_in_events_and_messages() -> None:
    log = Log().line(at("01:00:00"), "identifier [8a5a1336-3d574c6d]", "APD")
    log.line(at("01:01:00"), 'mounted as 8a5a1336-3d574c6d-0000-000000000000 ("nfs01")', "path loss")
    assert [(title, subject.count) for title, subject in log.subjects.items()] == [("datastore nfs01", 2)]


def test_an_nfs_datastore_recovers_by_the_message_that_names_only_its_identifier() -> None:
    history = LogHistory()
    for number, text in enumerate(
        (
            "NFS: 335: Lost connection to the server 10.1.1.5 mount point /a, mounted as"
            ' 8a5a1336-3d574c6d-0000-000000000000 ("nfs01")',
            "StorageApdHandler: 846: APD Start for ident [8a5a1336-3d574c6d]!",
            "StorageApdHandler: 846: APD Exit for ident [8a5a1336-3d574c6d]!",
        ),
        start=1,
    ):
        line = at(f"02:1{number}:00") + text
        history.add(Decoded(line, decode_line(line, number=number)))

    (datastore,) = history.report().subjects
    assert (datastore.title, course(datastore)) == (
        "datastore nfs01", "path loss 02:11:00 -> APD 02:12:00 -> recovered 02:13:00",
    )  # fmt: skip


def test_a_datastore_is_one_subject_by_its_name_and_its_uuid() -> None:
    log = Log().line(at("01:00:00"), f"volume {VOLUME} is", "path loss")
    log.line(at("01:01:00"), f"access to volume {VOLUME} (DS01)", "path loss")
    log.line(at("01:02:00"), f"/vmfs/volumes/{VOLUME}/iso", "path loss")
    assert [(title, subject.count) for title, subject in log.subjects.items()] == [("datastore DS01", 3)]


def test_the_lines_of_a_vmware_log_are_about_its_vm() -> None:
    log = Log()
    name = '2025-01-15T02:10:08.001Z In(05) vmx - DICT               displayName = "web 01"'
    log.history.add(Decoded(name, decode_line(name)))
    log.line("2025-01-15T02:10:09.001Z In(05) vcpu-0 -", "quiesce failed", "transient")
    assert list(log.subjects) == ["VM web 01"]
    assert list(Log().line("2025-01-15T02:10:09.001Z| vmx| I005:", "x").subjects) == ["this VM"]


def test_lines_that_only_name_something_are_not_trouble() -> None:
    history = LogHistory()
    history.add(Decoded(f"{DISK} registered", decode_line(f"{DISK} registered")))
    report = history.report()
    assert (report.subjects, report.incident) == ((), "")


def test_lines_without_a_time_are_counted_and_have_none() -> None:
    disk = Log().line("no time", DISK, "APD").line("no time", DISK, "APD").subjects[f"device {DISK}"]
    assert (disk.first, disk.last, disk.count, disk.peak_per_minute, disk.first_line) == ("", "", 2, 0, 1)
    assert course(disk) == "APD"


def test_the_paragraph_of_an_incident_has_what_when_how_bad_and_what_next() -> None:
    log = outage().line(at("02:16:00"), DISK, "PDL")
    assert log.incident == (
        f"Device {DISK}: PDL from 2025-01-15 02:12:29 UTC to 02:16:00 UTC "
        "(2 lines; also APD 1, path loss 2, transient 1). "
        "States: path loss 02:10:09 -> APD 02:10:20 -> PDL 02:12:29 -> recovered 02:15:01 -> PDL 02:16:00. "
        "The log does not show that it recovered. Also affected: datastore DS01 (PDL). "
        "Next: Ask the owner of the array. Procedures: all-paths-down, dead-paths."
    )


def test_the_count_and_the_times_of_a_sentence_are_those_of_the_class_that_it_names() -> None:
    log = Log().line(at("01:00:00"), DISK, "reservation").line(at("01:00:10"), DISK, "medium error")
    log.line(at("01:00:20"), DISK, "medium error").line(at("01:00:30"), DISK, "").line(at("01:09:00"), DISK, "capacity")

    assert log.incident.startswith(
        f"Device {DISK}: medium error from 2025-01-15 01:00:10 UTC to 01:00:20 UTC"
        " (2 lines, up to 2 in a minute; also capacity 1, reservation 1, unclassified 1)."
    )
    disk = log.subjects[f"device {DISK}"]
    assert [(lines.class_, lines.count) for lines in disk.classes] == [
        ("medium error", 2), ("capacity", 1), ("reservation", 1), ("", 1),
    ]  # fmt: skip
    assert disk.to_dict()["classes"][0] == {
        "class": "medium error",
        "count": 2,
        "first": "2025-01-15T01:00:10Z",
        "last": "2025-01-15T01:00:20Z",
        "peak_per_minute": 2,
    }


CRASHES = [
    (
        "@BlueScreen: #PF Exception 14 in world 2097855:vmm0:web-01 IP 0x41800d2 addr 0x0",
        "stopped with a purple screen at 2025-01-15 02:10:09 UTC, and with it each VM on it: "
        "VMkernel panic (purple diagnostic screen): exception 14, ",
    ),
    (
        "Machine Check Exception on PCPU1 in world 2097855:vmm0:web-01",
        "probably stopped with a purple screen at 2025-01-15 02:10:09 UTC, and with it each VM on it: "
        "VMkernel panic (purple diagnostic screen): Machine check: ",
    ),
]


@pytest.mark.parametrize(("text", "sentence"), CRASHES)
def test_a_purple_screen_is_of_the_host_and_worse_than_all_else(text: str, sentence: str) -> None:
    log = outage()
    line = at("02:10:09") + text
    log.history.add(Decoded(line, decode_line(line)))

    assert log.incident.startswith(f"This host {sentence}")
    assert f"Also affected: device {DISK} (PDL, recovered), datastore DS01 (PDL, recovered)." in log.incident
    assert "purple-screen" in log.incident
    assert list(log.subjects) == ["this host", f"device {DISK}", "datastore DS01"]


def test_a_panic_in_the_log_of_a_vm_is_of_the_vm() -> None:
    line = "2025-01-15T02:10:09.001Z In(05) vmx - PANIC bora/vmx/main/main.c:12"
    log = Log()
    log.history.add(Decoded(line, decode_line(line)))
    assert log.incident.startswith("This VM: software fault at 2025-01-15 02:10:09 UTC (1 line).")


def test_what_only_the_lines_of_a_device_mention_recovers_with_it() -> None:
    log = Log().line(at("02:10:09"), f"{DISK} vmhba2:C0:T5:L2 datastore 'DS01'", "APD")
    log.line(at("02:10:20"), "datastore 'DS02'", "APD").line(at("02:10:30"), f"{DISK} datastore 'DS02'", "APD")
    assert not any(subject.recovered for subject in log.subjects.values())

    log.line(at("02:15:01"), f"esx.clear.storage.apd.exit {DISK}", "transient")
    recovered = {title: subject.recovered for title, subject in log.subjects.items()}
    assert recovered == {
        "datastore DS02": False, f"device {DISK}": True, "datastore DS01": True, "path vmhba2:C0:T5:L2": True,
    }  # fmt: skip
    assert course(log.subjects["datastore DS01"]) == "APD 02:10:09 -> recovered 02:15:01"

    log.line(at("02:20:00"), DISK, "APD")
    assert not log.subjects["datastore DS01"].recovered


def test_the_paragraph_of_a_recovered_device_does_not_call_its_datastore_lost() -> None:
    log = Log()
    log.line("2025-01-15T02:10:09Z esx01 vobd: ", f"{DISK} datastore 'DS01'", "APD")
    log.line("2025-01-15T02:10:10Z esx02 vobd: ", f"{DISK} datastore 'DS01'", "APD")
    recovery = f"esx.clear.storage.apd.exit {DISK}"
    log.line("2025-01-15T02:15:01Z esx01 vobd: ", recovery, "transient")
    assert "does not show that it recovered on esx02" in log.incident
    assert log.subjects["datastore DS01"].not_recovered_on == ("esx01", "esx02")

    log.line("2025-01-15T02:16:01Z esx02 vobd: ", recovery, "transient")
    assert log.incident.startswith(f"Device {DISK}: APD")
    assert "does not show" not in log.incident
    assert "Also affected: datastore DS01 (APD, recovered)." in log.incident


def test_what_the_lines_of_two_devices_mention_recovers_when_both_do() -> None:
    other = DISK.replace("cc", "dd")
    log = Log().line(at("02:10:09"), f"{DISK} {other} datastore 'DS01'", "APD")
    log.line(at("02:15:01"), f"esx.clear.storage.apd.exit {DISK}", "transient")
    assert not log.subjects["datastore DS01"].recovered
    log.line(at("02:16:01"), f"esx.clear.storage.apd.exit {other}", "transient")
    assert log.subjects["datastore DS01"].recovered


@pytest.mark.parametrize(("class_", "begins"), [("harmless", "Nothing in this log needs action"), ("", "Device naa.")])
def test_a_log_without_faults_is_not_called_an_incident(class_: str, begins: str) -> None:
    assert Log().line(at("01:00:00"), DISK, class_).incident.startswith(begins)


@pytest.mark.parametrize(("count", "words"), [(1, "has 1 harmless line from"), (2, "has 2 harmless lines from")])
def test_harmless_lines_are_counted_in_plain_english(count: int, words: str) -> None:
    log = Log()
    for second in range(count):
        log.line(at(f"01:00:0{second}"), DISK, "harmless")
    assert words.replace(" from", "") in log.incident


def test_harmless_sense_data_beside_a_status_without_a_class_makes_the_line_harmless() -> None:
    log = Log()
    status, sense = Meaning(kind="scsi-status", summary="x"), Meaning(kind="scsi-sense", summary="x", class_="harmless")
    log.history.add(Decoded("x y", [Finding(1, 0, 1, "x", status), Finding(1, 2, 3, "y", sense)]))
    assert log.subjects["this host"].class_ == "harmless"


def test_subjects_and_minutes_that_are_kept_are_limited_and_the_rest_is_counted() -> None:
    log = Log()
    for number in range(MOST_SUBJECTS + 50):
        log.line(at("01:00:00"), f"naa.6001405{number:025x}", "path loss")
    for minute in range(10 * MOST_BUCKETS):
        day, hour = divmod(minute // 60, 24)
        log.line(f"2025-01-{day + 1:02}T{hour:02}:{minute % 60:02}:00Z", f"naa.6001405{0:025x}", "path loss")
    report = log.history.report()
    assert len(report.subjects) == MOST_SUBJECTS
    assert report.omitted_lines == 50
    timeline = report.timelines[0]
    assert timeline is not None
    assert len(timeline.buckets) <= MOST_BUCKETS
    assert sum(timeline.buckets.values()) == report.subjects[0].count == 10 * MOST_BUCKETS + 1


def test_device_that_the_log_is_about_comes_before_a_lun_that_it_does_not_name() -> None:
    history = LogHistory()
    for line in (
        f"2025-01-15T02:10:09Z cpu1:2)StorageApdHandler: 1204: APD start for 0x43 [{DISK}]",
        "2025-01-15T02:10:10Z cpu1:2)WARNING: Vol3: 3102: Unable to open volume: Device is permanently unavailable",
    ):
        history.add(Decoded(line, decode_line(line)))
    report = history.report()

    assert [(subject.named, subject.class_) for subject in report.subjects] == [(True, "APD"), (False, "PDL")]
    assert report.incident.startswith(f"Device {DISK}: APD at 2025-01-15 02:10:09 UTC")
    assert "A LUN or datastore" not in report.incident.partition("Also affected")[0]
