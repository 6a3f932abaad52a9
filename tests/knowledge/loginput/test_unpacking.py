"""Compressed logs are decoded as they come, also when they are cut, joined, damaged or far too large."""

from __future__ import annotations

import gzip
import random

import pytest

from knowledge.loginput.looked_at import LookedAt, NotText
from knowledge.loginput.unpacking import Limits, in_units, read_size, unpacked
from tests.knowledge.loginput.inputs import COMPRESS, LINES, outcome, piped

KINDS = sorted(COMPRESS)
LOG = LINES.encode()
CHANCE = random.Random(1)
NOISY = LOG + b"".join(b"%d\n" % CHANCE.getrandbits(64) for _ in range(120_000))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("block", [1, 7, 1 << 18])
def test_a_compressed_log_has_the_findings_of_the_log(kind: str, block: int) -> None:
    found = outcome(piped(COMPRESS[kind](LOG), block))
    assert found.findings == outcome(LOG).findings
    assert (found.looked.compression, found.looked.lines) == (kind, 2)
    assert found.looked.problems == []
    assert found.looked.bytes == len(COMPRESS[kind](LOG))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("block", [5, 1 << 18])
def test_compressed_logs_joined_with_cat_are_read_to_the_end(kind: str, block: int) -> None:
    found = outcome(piped(b"".join(map(COMPRESS[kind], [LOG, b"", LOG, b"failed: 0xbad0006"])), block))
    assert [finding.line for finding in found.findings] == [2, 4, 5]
    assert found.looked.problems == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_log_that_is_cut_is_decoded_up_to_the_cut_and_that_is_reported(kind: str) -> None:
    packed = COMPRESS[kind](NOISY)
    found = outcome(packed[: len(packed) * 2 // 3])
    assert [finding.text for finding in found.findings] == ["0xbad010b"]
    assert found.looked.problems == [f"The {kind} data ends in the middle. What could be read is decoded."]
    assert 2 < found.looked.lines < 120_000


@pytest.mark.parametrize("kind", KINDS)
def test_damage_ends_the_log_with_a_reason(kind: str) -> None:
    packed = bytearray(COMPRESS[kind](NOISY))
    packed[len(packed) // 2 : len(packed) // 2 + 2000] = bytes(2000)
    found = outcome(bytes(packed))
    assert len(found.looked.problems) == 1
    assert "damaged" in found.looked.problems[0]


@pytest.mark.parametrize("kind", KINDS)
def test_zeros_after_the_end_are_ignored_and_anything_else_is_reported(kind: str) -> None:
    assert outcome(COMPRESS[kind](LOG) + bytes(1000)).looked.problems == []
    for trailing in (b"x", b"something else that is longer than a magic number"):
        assert "followed by something else" in outcome(COMPRESS[kind](LOG) + trailing).looked.problems[0]


@pytest.mark.parametrize("kind", KINDS)
def test_what_unpacks_to_more_than_a_thousand_times_its_size_is_stopped(kind: str) -> None:
    bomb = COMPRESS[kind](b"0xbad0006\n" * 9 + bytes(40_000_000))
    found = outcome(bomb, limits=Limits(ratio=200))
    assert "no log" in found.looked.problems[0]
    assert found.looked.unpacked < 11_000_000 + (1 << 25)
    assert len(found.findings) == 9


def test_the_total_is_bounded_and_what_was_read_is_decoded() -> None:
    found = outcome(gzip.compress(LOG * 10_000), limits=Limits(total=1 << 20))
    (problem,) = found.looked.problems
    assert problem.startswith("The input unpacks to more than 1 MiB. Decoding stops there.")
    assert "--max-size" in problem
    assert 0 < len(found.findings) < 10_000


@pytest.mark.parametrize("kind", KINDS)
def test_no_step_gives_more_than_a_bounded_piece(kind: str) -> None:
    packed = COMPRESS[kind](bytes(100_000_000))
    pieces = [len(piece) for piece in unpacked(kind, [packed], LookedAt())]
    assert sum(pieces) == 100_000_000
    assert max(pieces) <= 1 << 25


def test_an_empty_compressed_log_is_an_empty_log() -> None:
    assert outcome(gzip.compress(b"")).looked.lines == 0


def test_a_log_that_is_compressed_twice_is_refused_with_advice() -> None:
    with pytest.raises(NotText, match="Unpack it first"):
        outcome(gzip.compress(gzip.compress(LOG)))


def test_sizes_are_in_the_largest_unit_without_a_fraction() -> None:
    assert [in_units(size) for size in (5, 1 << 20, 3 << 30, 1025)] == ["5 bytes", "1 MiB", "3 GiB", "1,025 bytes"]


@pytest.mark.parametrize(
    ("typed", "size"),
    [("4096", 4096), ("500MiB", 500 << 20), ("100g", 100 << 30), ("1 TiB", 1 << 40), ("", 0), ("-1", 0), ("1.5G", 0)],
)
def test_sizes_are_read_as_people_type_them(typed: str, size: int) -> None:
    assert read_size(typed) == size
