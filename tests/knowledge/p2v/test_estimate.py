"""The calculations of the Linux P2V page, and the table of tools."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.p2v.estimate import MEASURED_RATE, estimate, measured_rates
from knowledge.p2v.facts import tools
from knowledge.p2v.size import parse_blocks


def test_documented_example_is_reproduced() -> None:
    answer = estimate(39070080)
    assert (f"{answer.mb:.3f}", f"{answer.gb:.3f}") == ("38154.375", "37.260")
    assert answer.bytes == 40_007_761_920
    assert answer.duration == "44 min 28 s"


def test_documented_rate_is_the_default_with_a_note() -> None:
    assert estimate(1024).rate == MEASURED_RATE == 14.3
    assert any("documented rate" in note for note in estimate(1024).notes)
    assert not any("documented rate" in note for note in estimate(1024, 80.0).notes)


def test_36_gb_take_the_documented_40_minutes_only_with_decimal_gb() -> None:
    assert round(estimate(parse_blocks("36GB")).seconds / 60) == 40
    assert round(estimate(parse_blocks("36GiB")).seconds / 60) == 43
    decimal, binary = measured_rates()
    assert (f"{decimal:.1f}", f"{binary:.1f}") == ("14.3", "15.4")
    assert any("14.3" in note and "15.4" in note for note in estimate(1024).notes)


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("39070080", 39070080),
        ("1 GiB", 1024 * 1024),
        ("1g", 1024 * 1024),
        ("1.5MiB", 1536),
        ("36GB", 35156250),
        ("1kb", 1),
        ("2TB", 1953125000),
    ],
)
def test_size_is_read_in_the_usual_units(text: str, blocks: int) -> None:
    assert parse_blocks(text) == blocks


@pytest.mark.parametrize("text", ["", "0", "-5", "1.5", "36 XB", "1e9", "GB", "9" * 30, "999999999TB", "٣٦GB"])
def test_text_that_is_not_a_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"39070080|1 to \d+ blocks"):
        parse_blocks(text)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_impossible_rate_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="not a rate"):
        estimate(1024, rate)


@pytest.mark.parametrize("blocks", [0, -1, 2**60])
def test_impossible_size_is_refused(blocks: int) -> None:
    with pytest.raises(ValueError, match="not a size"):
        estimate(blocks)


@pytest.mark.parametrize(
    ("megabytes", "words"), [(1, "1 s"), (90, "1 min 30 s"), (7500, "2 h 5 min"), (90000, "1 d 1 h")]
)
def test_duration_is_formatted_for_people(megabytes: int, words: str) -> None:
    assert estimate(megabytes * 1024, 1.0).duration == words


@given(st.integers(1, 2**50), st.floats(0.001, 1e6))
def test_time_rate_and_size_agree(blocks: int, rate: float) -> None:
    answer = estimate(blocks, rate)
    assert answer.seconds * rate == pytest.approx(answer.mb)
    assert answer.gb * 1024 == pytest.approx(answer.mb)


def test_tools_table_shows_which_tools_support_linux() -> None:
    by_support: dict[str, list[str]] = {}
    for tool in tools():
        if tool.documented:
            by_support.setdefault(tool.linux, []).append(tool.id)
    assert by_support == {
        "no": ["virtual-server-migration-toolkit", "ezp2v"],
        "partly": ["vmware-converter", "powerconvert", "liveview"],
        "full": ["ultimatep2v", "dd-netcat"],
    }
    assert all(tool.caveat and tool.today for tool in tools())
