"""A mistyped word leads to the known word that was probably meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.spelling import edit_distance, known_words, nearest_name, nearest_words, spelling_keys


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("", "abc", 3),
        ("abc", "abc", 0),
        ("abc", "acb", 1),
        ("abc", "ab", 1),
        ("abc", "axc", 1),
        ("kitten", "sitting", 3),
    ],
)
def test_edit_distance_counts_single_edits(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other) == edit_distance(other, one) == distance


@given(st.text("abcdef", min_size=4, max_size=9), st.data())
def test_every_single_typing_error_leads_to_its_word(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 2))
    letter = data.draw(st.sampled_from("abcxyz"))
    mistyped = [
        word[:place] + word[place + 1 :],
        word[:place] + letter + word[place:],
        word[:place] + letter + word[place + 1 :],
        word[:place] + word[place + 1] + word[place] + word[place + 2 :],
    ]
    for typed in mistyped:
        assert spelling_keys(typed) & spelling_keys(word)
        assert nearest_words(typed, [word]) == [word]


def test_known_words_consist_of_letters_only() -> None:
    assert known_words("Snapshot of 0xbad0022 on vmhba64, a LUN") == {"snapshot", "lun"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("restroe", "restore"),
        ("RESTORE_disk", "restore-disk"),
        ("disk-restore", "restore-disk"),
        ("--cursr", "--cursor"),
        ("curs", "--cursor"),
        ("cu", "--cursor"),
        ("shutdown", "guest-shutdown"),
        ("--sort", ""),
        ("datastore", ""),
        ("power", ""),
        ("dx", ""),
        ("c", ""),
    ],
)
def test_name_that_was_probably_meant(typed: str, meant: str) -> None:
    names = ["restore", "restore-disk", "guest-shutdown", "power-on", "power-off", "--cursor"]

    assert nearest_name(typed, names) == meant
