"""A decimal number is a code only where the line presents it as a status."""

from __future__ import annotations

import pytest

from knowledge.vmklog import decode_line

TIME = "2024-05-07T16:29:50.697Z cpu2:2097713)"

QUANTITIES = [
    "FS3: read {} bytes", "FS3: bytes {}", "bytes={}", '"bytes": {},', "Bytes received: {}", "numBytesRead: {}",
    "FS3: {} KB free", "KB {}", "sizeKB={}", "Swap: {} pages", "pages: {}", "pages in use: {}", "blocks {}",
    "{} blocks in use", "total_blocks={}", "Blocks Read: {}", "Failed Commands: {}", "Failed Read Operations: {}",
    "took {} ms", "latency {} us", "after {} usecs", "elapsedMs={}", "waited {} seconds", "{}/200000000 bytes",
    "{} of 200000000 blocks", "({} bytes)", "failed after {} ms", "error: {} bytes were lost",
    "{} errors", "errors: {}",
    "size ({})", "vobd[{}]: started", "offset: {}", "lba {}", "{}-byte write", "sequence number {}", "uptime: {}",
    "{} MiB", "capacity = {}", "{} packets received", "count {}", "{} times",
]  # fmt: skip
STATUSES = [
    "failed ({})", "Error {}.", "rc {}", "rc={}", "ret: {}", "status {}", "status = {}", "Status({})= x",
    "error code {}",
    "error number {}", "Failed with {}", "returned {}", "result: {}", "reason {}", "errno={}", "{}", " {} ", "({})",
    "Could not open the disk: {}", "Migration failed to start: {}", "Migrate: Remote Log: ({}).", "due to {}",
    "bytes lost, status {}", "lastError: {}", "vmkStatus={}",
]  # fmt: skip
UNCLEAR = ["scanned {} and went on", "x {} y", "Sched: {}", "key={}", "nmp_Add({})"]


@pytest.mark.parametrize("text", QUANTITIES)
def test_a_decimal_next_to_a_unit_or_a_counter_is_no_code(text: str) -> None:
    for number in (195887110, 732758044):
        assert not [found for found in decode_line(TIME + text.format(number)) if found.kind == "vmkernel"]


@pytest.mark.parametrize("text", STATUSES)
def test_a_decimal_that_the_line_presents_as_a_status_is_a_code(text: str) -> None:
    (found,) = decode_line(text.format(195887371))
    assert [match.code for match in found.meaning.matches] == ["0xbad010b"]
    assert found.meaning.certainty != "open"
    assert found.meaning.next


@pytest.mark.parametrize("text", UNCLEAR)
def test_any_other_decimal_may_be_a_code_and_has_no_advice(text: str) -> None:
    (found,) = decode_line(text.format(195887371))
    assert (found.meaning.certainty, found.meaning.class_, found.meaning.next) == ("open", "", "")
    assert "does not present this number as a status" in found.meaning.reason


def test_the_text_of_a_status_next_to_a_decimal_makes_it_one() -> None:
    (found,) = decode_line("bytes: Not supported (195887136)")
    assert found.meaning.certainty == "certain"


def test_a_hexadecimal_code_needs_no_such_words() -> None:
    (found,) = decode_line("bytes 0xbad0006")
    assert found.meaning.matches[0].code == "0xbad0006"
