"""Words that several parts of the product share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.api.words import counted, in_one_line, printable


def test_a_noun_follows_its_number() -> None:
    assert (counted(1, "disk"), counted(2, "disk"), counted(0, "entry", "entries")) == (
        "1 disk",
        "2 disks",
        "0 entries",
    )


def test_a_sentence_in_a_line_of_parts_ends_with_the_line_only() -> None:
    assert in_one_line(["It is cut off.", "", "nothing is kept"]) == "It is cut off; nothing is kept"
    assert in_one_line(["nas: job 1", "away: no copy. It is gone."]) == "nas: job 1; away: no copy. It is gone."
    assert in_one_line(["", ""]) == ""


@given(st.text())
def test_a_printable_text_keeps_its_length_and_controls_nothing(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert not [character for character in shown if ord(character) < 32 and character != "\t"]
    assert not set(shown) & {"\x7f", "\x9b", "\u202e", "\u2066"}
