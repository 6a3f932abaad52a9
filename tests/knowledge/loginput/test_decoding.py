"""What is no log is named, and what was looked at is reported."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from knowledge.loginput.formats import format_of
from knowledge.loginput.looked_at import LookedAt, NotText
from knowledge.loginput.magic import needs_more
from tests.knowledge.loginput.inputs import LINES, outcome, piped

SAMPLES = Path(__file__).parents[1] / "vmklog" / "vmkernel_log_samples.txt"

NO_LOGS = [
    (b"\x7fELF\x02\x01\x01" + bytes(500), "an ELF program"), (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF document"),
    (b"SQLite format 3\x00" + bytes(500), "an SQLite database"), (b"KDMV\x01\x00\x00\x00" + bytes(500), "a VMDK disk"),
    (b"7z\xbc\xaf\x27\x1c" + bytes(500), "a 7-Zip archive"), (b"\x89PNG\r\n\x1a\n" + bytes(500), "an image"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "name"), NO_LOGS, ids=[name for _, name in NO_LOGS])
def test_a_file_of_a_known_format_is_named(content: bytes, name: str) -> None:
    for sent in (content, gzip.compress(content)):
        with pytest.raises(NotText, match=f"it is {name}"):
            outcome(sent)


def test_bytes_without_any_text_are_never_an_all_clear() -> None:
    with pytest.raises(NotText, match=r"not text .*binary"):
        outcome(bytes(range(256)) * 100)


def test_what_is_found_in_bytes_that_are_no_text_comes_with_a_warning() -> None:
    found = outcome(bytes(range(256)) + b" 0xbad0006 " + bytes(range(256)))
    assert [finding.text for finding in found.findings] == ["0xbad0006"]
    assert "by chance" in found.looked.problems[0]


def test_nul_bytes_that_a_power_failure_left_are_no_reason_to_refuse_a_log() -> None:
    found = outcome(bytes(20_000) + LINES.encode())
    assert [finding.text for finding in found.findings] == ["0xbad010b"]
    assert found.looked.problems == []


def test_a_file_of_nul_bytes_is_named() -> None:
    assert outcome(bytes(10_240)).looked.in_words() == "1 line, 10,240 bytes, NUL bytes"


def test_what_was_looked_at_is_one_phrase() -> None:
    content = gzip.compress(LINES.splitlines()[0].encode() * 1)
    looked = outcome(content).looked
    assert looked.in_words() == f"1 line, {len(content)} bytes, gzip, UTF-8, vmkernel log of ESXi 8.0 and later"
    assert LookedAt().in_words() == "0 lines, 0 bytes"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("2024-01-01T00:00:00.000Z cpu2:2097713)ScsiDeviceIO: 1: x", "vmkernel log of ESXi 5.0 and later"),
        ("2024-01-01T00:00:00.000Z In(166) Hostd[2101270]: [Originator@6876 sub=X]", "hostd log of ESXi 8.0 and later"),
        ("2018-01-01T00:00:00.000Z info hostd[2101270] [Originator@6876 sub=X] y", "hostd log of ESXi 5.0 and later"),
        ("2018-01-01T00:00:00.000Z: [APDCorrelator] 1us: [esx.problem.x] y", "vobd log of ESXi 5.0 and later"),
        ("2018-01-01T00:00:00.000Z| vmx| I125: Log for VMware", "vmware.log of a VM of ESXi 5.0 and later"),
        ("2023-10-23T03:54:27.731Z In(05) vmx - MKSXlib", "vmware.log of a VM of ESXi 8.0 and later"),
        ("Nov 14 01:15:46 esx vmkernel: 0:02:09:11.075 cpu0:1035)StorageMonitor: 1", "vmkernel log of ESX 3.x"),
        ("Nov 14 01:15:46 box sshd[1]: accepted", "syslog"), ("hello", ""),
    ],
)  # fmt: skip
def test_the_kind_of_a_log_shows_in_its_lines(line: str, name: str) -> None:
    assert format_of(line) == name


@pytest.mark.parametrize("line", [b"2", b"B\n", b"Z short", b"PCPU 1 did not\n", b"\xef\xbb\xbf2024-01-01T00:00:00"])
def test_a_line_of_text_is_decoded_without_waiting_for_more(line: bytes) -> None:
    assert not needs_more(line + b" and the rest of the line")


def test_a_log_that_comes_in_single_bytes_has_the_same_findings() -> None:
    content = SAMPLES.read_bytes()
    assert outcome(piped(content, 1)).findings == outcome(content).findings
