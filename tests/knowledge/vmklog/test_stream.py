"""A stream gives the same findings as its lines one by one, wherever it is cut, and no bytes make it fail."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.vmkerr.table import bundled
from knowledge.vmklog import Finding, decode_line, decode_text
from knowledge.vmklog.line import text_of
from knowledge.vmklog.stream import LONGEST_LINE, OVERLAP, Progress, decode_stream

SAMPLES = Path(__file__).with_name("vmkernel_log_samples.txt").read_bytes()
WORDS = [line for line in SAMPLES.split(b"\n") if line] + [
    *(b"0xbad0006", b"0x", b"bad0022", b"(195887136)", b"H:0x0 D:0x2 P:0x0", b"Valid sense data: 0x5 0x24 0x0"),
    *(b"status = 40/0 0x0 0x0 0x0", b"(0x5/0x25/0x0)", b"naa.514f0c5ec2000008", b"iqn.2001-04.com.example:", b"t10."),
    *(b"due to Not found", b"-28 (bad0081)", b"\n", b"\r\n", b"\0", b"\xff", "×“é−".encode(), b" ", b"stack: "),
]
LOG_LIKE = st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=8)), max_size=12).map(b"".join)


def decoded(blocks: Iterable[bytes], progress: Progress | None = None) -> list[Finding]:
    stream = decode_stream(blocks, None, bundled(), progress or Progress())
    return [finding for lines in stream for line in lines for finding in line.findings]


@given(LOG_LIKE)
@settings(max_examples=300, deadline=None)
def test_no_bytes_make_it_fail_and_every_offset_points_at_its_text(log: bytes) -> None:
    for line in log.decode("utf-8", "replace").split("\n"):
        for finding in decode_line(line):
            assert line[finding.start : finding.end] == finding.text
            assert finding.text
            assert finding.summary
            assert finding.to_dict()


@given(LOG_LIKE, st.lists(st.integers(1, 40), max_size=20))
@settings(max_examples=300, deadline=None)
def test_a_stream_has_the_findings_of_the_whole_text_wherever_the_blocks_are_cut(log: bytes, cuts: list[int]) -> None:
    stream, blocks = io.BytesIO(log), []
    for size in cuts:
        blocks.append(stream.read(size))
    blocks.append(stream.read())
    progress = Progress()
    assert decoded(blocks, progress) == decode_text("\n".join(map(text_of, log.split(b"\n"))))
    assert progress.lines == len(log.removesuffix(b"\n").split(b"\n")) if log else progress.lines == 0


@pytest.mark.parametrize("near", [LONGEST_LINE - OVERLAP, LONGEST_LINE - OVERLAP // 2, LONGEST_LINE])
@pytest.mark.parametrize("text", ["IO was aborted (0xbad00e0)", "naa.514f0c5ec2000008", "× H:0x1 D:0x0 P:0x0 ×"])
def test_a_text_at_the_cut_of_a_long_line_is_found_once_at_its_position(near: int, text: str) -> None:
    for shift in range(-32, 8, 3):
        line = "é" + " " * (near + shift - 2) + text + " " * LONGEST_LINE + "0xbad0006\n0xbad0001\n"
        progress = Progress()
        content = line.encode()
        found = decoded((content[at : at + 60_000] for at in range(0, len(content), 60_000)), progress)
        assert [(finding.line, finding.text) for finding in found] == [
            (1, decode_line(text)[0].text), (1, "0xbad0006"), (2, "0xbad0001"),
        ]  # fmt: skip
        assert all(line[finding.start : finding.end] == finding.text for finding in found[:2])
        assert (progress.lines, progress.long_lines) == (2, 1)


@pytest.mark.parametrize("text", [b"x ", b"0xbad0006 ", b"naa.514f0c5ec2000008 ", "é".encode()])
def test_a_line_of_twice_the_length_is_twice_the_work(text: bytes) -> None:
    def characters(size: int) -> int:
        blocks = [text * (60_000 // len(text))] * (size // 60_000)
        stream = decode_stream(blocks, None, bundled(), Progress(), every_line=True)
        return sum(len(line.text) for lines in stream for line in lines)

    once, twice = characters(1_200_000), characters(2_400_000)
    assert once <= 1_200_000 * 1.05
    assert 1.9 * once <= twice <= 2.1 * once


def test_a_long_line_keeps_the_release_that_its_beginning_shows() -> None:
    beginning = b"2014-11-08T03:11:10.313Z cpu5:3343193)"
    (found,) = decoded([beginning, b" " * LONGEST_LINE, b" " * LONGEST_LINE, b"0xbad0022"])
    assert found.meaning.matches[0].description == "Read only"


def test_a_stream_returns_a_line_as_soon_as_it_is_complete() -> None:
    stream = decode_stream(iter([b"0xbad", b"0001\n0xbad0006"]), None, bundled(), Progress())
    assert [[line.text for line in lines] for lines in stream] == [[], ["0xbad0001"], ["0xbad0006"]]
