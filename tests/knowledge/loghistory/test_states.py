"""The states of a subject do not depend on the order in which an archive has the files of a rotated log."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from itertools import permutations

import pytest

from knowledge.loghistory import LogHistory, LogSubject, Report
from knowledge.loghistory.incident import ORDER_OF_FILES, course
from knowledge.loghistory.states import MOST_HOSTS, MOST_RUNS, RUNS_OF_HOST, StateRuns
from knowledge.loghistory.values import Place
from knowledge.loginput.decoding import decode_input
from knowledge.loginput.looked_at import LookedAt
from knowledge.loginput.source import of_bytes
from knowledge.vmkerr.table import bundled
from tests.knowledge.loginput.archives import ROOT, VERSION, tar, zipped

DISK = "naa.600140500000000000000000000000cc"
LINE = Place("vmkernel.log", 1)
NAMES = ("vmkernel.2.gz", "vmkernel.1.gz", "vmkernel.0.gz", "vmkernel.log")


def lost(time: str, host: str = "") -> str:
    return (
        f"2025-01-15T{time}.500Z {host}{' ' if host else ''}vobd: [esx.problem.storage.apd.start] Device or filesystem"
        f" with identifier [{DISK}] has entered the All Paths Down state. vmhba2:C0:T1:L80"
    )


def back(time: str, host: str = "") -> str:
    return (
        f"2025-01-15T{time}.500Z {host}{' ' if host else ''}vobd: [esx.clear.storage.apd.exit] Device or filesystem"
        f" with identifier [{DISK}] has exited the All Paths Down state."
    )


ONE_HOST = (
    [lost("01:00:00"), lost("01:00:01"), back("01:10:00")],
    [lost("02:00:00")],
    [lost("02:30:00"), back("03:00:00"), lost("03:30:00")],
    [lost("03:40:00"), back("04:00:00")],
)
STILL_DOWN = (*ONE_HOST[:3], [lost("05:00:00")])
TWO_HOSTS = (
    [lost("01:00:00", "esx01"), lost("01:00:01", "esx02")],
    [back("01:10:00", "esx01")],
    [back("01:20:00", "esx02"), lost("02:00:00", "esx01")],
    [lost("02:00:01", "esx02"), back("02:10:00", "esx02")],
)


def report_of(content: bytes) -> Report:
    history = LogHistory()
    for lines in decode_input(of_bytes(content), None, bundled(), LookedAt()):
        history.add_all(lines)
    return history.report()


def bundle(files: Sequence[Sequence[str]], order: Sequence[int] = range(4)) -> dict[str, bytes]:
    """A bundle with the files of a rotated log, the oldest of which is the first, in some order."""
    bundle = {f"{ROOT}commands/vmware_-vl.txt": VERSION}
    for at in order:
        content = "".join(f"{line}\n" for line in files[at]).encode()
        bundle[f"{ROOT}var/run/log/{NAMES[at]}"] = gzip.compress(content) if NAMES[at].endswith("gz") else content
    return bundle


def facts(subject: LogSubject) -> dict[str, object]:
    """What a subject has without the files and lines that it comes from."""
    values = subject.to_dict()
    values["states"] = [(state["state"], state["at"]) for state in values["states"]]
    return {name: value for name, value in values.items() if name not in ("first_file", "first_line")}


@pytest.mark.parametrize("log", [ONE_HOST, STILL_DOWN, TWO_HOSTS])
def test_the_files_of_a_rotated_log_show_the_same_in_every_order(log: Sequence[Sequence[str]]) -> None:
    whole = report_of("".join(f"{line}\n" for file in log for line in file).encode())
    assert len(whole.subjects) == (3 if log is TWO_HOSTS else 2)
    for order in permutations(range(4)):
        found = report_of(gzip.compress(tar(bundle(log, order))))
        assert [facts(subject) for subject in found.subjects] == [facts(subject) for subject in whole.subjects]
        assert found.incident == whole.incident
        assert {subject.first_file.rpartition("/")[2] for subject in found.subjects} == {"vmkernel.2.gz"}
        assert found.subjects[0].first_line == 1
        places = [place for line in found.timelines if line for _, _, place in line.states]
        assert places[0] == Place(f"{ROOT}var/run/log/vmkernel.2.gz", 1)


def test_states_never_go_back_in_time() -> None:
    disk, _ = report_of(zipped(bundle(ONE_HOST, (3, 2, 1, 0)))).subjects
    assert course(disk) == (
        "APD 01:00:00 -> recovered 01:10:00 -> APD 02:00:00 -> recovered 03:00:00 -> APD 03:30:00 -> recovered 04:00:00"
    )
    assert disk.recovered


def test_an_old_recovery_does_not_end_a_newer_loss() -> None:
    disk, path = report_of(tar(bundle(STILL_DOWN, (3, 2, 1, 0)))).subjects
    assert (disk.recovered, path.recovered) == (False, False)
    assert course(disk).endswith("recovered 03:00:00 -> APD 03:30:00")


def test_an_old_recovery_of_one_of_two_hosts_does_not_hide_that_it_is_down_again() -> None:
    disk, *_ = report_of(tar(bundle(TWO_HOSTS, (3, 0, 2, 1)))).subjects
    assert (disk.recovered, disk.not_recovered_on) == (False, ("esx01",))
    assert course(disk) == "APD 01:00:00 -> recovered 01:20:00 -> APD 02:00:00"


def test_files_without_times_are_taken_in_the_order_of_the_archive_and_that_is_shown() -> None:
    files = [[line[len("2025-01-15T01:00:00.500Z ") :] for line in file] for file in ONE_HOST]
    disk, _ = (report := report_of(tar(bundle(files, (3, 2, 1, 0))))).subjects
    assert not disk.order_is_known
    assert course(disk).endswith(ORDER_OF_FILES)
    assert ORDER_OF_FILES in report.incident

    one_file = report_of("\n".join(line for file in files for line in file).encode())
    assert all(subject.order_is_known for subject in one_file.subjects)


def test_what_is_kept_of_many_hosts_is_limited_and_the_last_report_of_each_is_kept() -> None:
    runs = StateRuns()
    hosts = [f"esx{number:03}" for number in range(MOST_HOSTS)]
    for host in hosts:
        for _ in range(20):
            runs.add("APD", None, LINE, host)
            runs.add("recovered", None, LINE, host)
    runs.add("APD", None, LINE, hosts[0])
    assert runs.passed().down == {hosts[0]}
    assert runs.omitted == MOST_HOSTS * 40 + 1 - MOST_RUNS - RUNS_OF_HOST * MOST_HOSTS

    runs.add("APD", None, LINE, "one more")
    assert runs.passed().down == {hosts[0], "one more"}
