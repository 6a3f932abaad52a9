"""The text after a command is parsed into values, or the error says what is wrong with it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.arguments import (
    MAX_LENGTH,
    Arguments,
    UsageError,
    asks_for_help,
    name_and_values,
    single_argument,
    words_and_options,
)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("", ""),
        ("   ", ""),
        ("web-01", "web-01"),
        ("  web-01  ", "web-01"),
        ("web  01 (old)", "web  01 (old)"),
        ('"web 01"', "web 01"),
        ("“web 01”", "web 01"),
        ("`0xbad0022`", "0xbad0022"),
        ("'", "'"),
        ("web-01\nweb-02", "web-01 web-02"),
    ],
)
def test_spaces_and_quotation_marks_around_a_value_are_removed(typed: str, value: str) -> None:
    assert single_argument(typed) == value


@pytest.mark.parametrize(
    "typed",
    [
        "EBUSY --release esxi-6.0",
        "EBUSY --release=esxi-6.0",
        "EBUSY release=esxi-6.0",
        "--release esxi-6.0 EBUSY",
        "EBUSY —release esxi-6.0",
        "EBUSY –release=esxi-6.0",
    ],
)
def test_option_can_be_typed_in_several_ways(typed: str) -> None:
    assert words_and_options(typed, ("release",)) == ("EBUSY", {"release": "esxi-6.0"})


def test_repeatable_option_keeps_every_value() -> None:
    typed = "centos disk=sda --disk sdb,sdc"
    assert words_and_options(typed, ("disk",), repeatable=("disk",)) == ("centos", {"disk": "sda,sdb,sdc"})


def test_words_keep_their_order_around_an_option() -> None:
    assert (
        words_and_options("scsi release=esx-3.5 reservation conflict", ("release",)).words
        == "scsi reservation conflict"
    )


def test_name_of_an_option_is_a_word_when_nothing_makes_it_an_option() -> None:
    assert words_and_options("release lock", ("release",)) == ("release lock", {})


def test_unknown_name_with_an_equals_sign_is_a_word() -> None:
    assert words_and_options("status=bad0022", ("release",)) == ("status=bad0022", {})


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("EBUSY --relaese esxi-6.0", "Unknown option --relaese. Known options: --release."),
        ("EBUSY --release", "--release needs a value."),
        ("EBUSY release=", "--release needs a value."),
        ("EBUSY release=a release=b", "--release is given twice."),
        ("x" * (MAX_LENGTH + 1), "The text has 501 characters; the maximum is 500."),
    ],
)
def test_wrong_option_says_what_is_wrong(typed: str, why: str) -> None:
    with pytest.raises(UsageError, match=why.replace(".", r"\.")):
        words_and_options(typed, ("release",))


@pytest.mark.parametrize("typed", ["help", " HELP ", "--help", "-h", "?"])
def test_help_is_asked_for_in_several_ways(typed: str) -> None:
    assert asks_for_help(typed)


@pytest.mark.parametrize("typed", ["", "help me", "web-help", "help" * 10_000])
def test_other_text_does_not_ask_for_help(typed: str) -> None:
    assert not asks_for_help(typed)


@pytest.mark.parametrize(
    ("typed", "name", "values"),
    [
        ("", "", {}),
        ("nic", "nic", {}),
        ("nic type=e1000 index=1", "nic", {"type": "e1000", "index": "1"}),
        ("appliance annotation=“Mail relay” name=", "appliance", {"annotation": "Mail relay", "name": ""}),
        (r"serial-pipe path=\\.\pipe\com1#a='b'", "serial-pipe", {"path": r"\\.\pipe\com1#a='b'"}),
    ],
)
def test_name_and_its_values_are_parsed(typed: str, name: str, values: dict[str, str]) -> None:
    assert name_and_values(typed) == Arguments(name, values)


@pytest.mark.parametrize("typed", ['nic network="open', "nic e1000", "nic =e1000", "nic type=a type=b"])
def test_text_that_is_not_key_value_is_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        name_and_values(typed)


@given(st.text(max_size=MAX_LENGTH))
def test_any_text_is_parsed_or_refused(typed: str) -> None:
    with contextlib.suppress(UsageError):
        assert all(name_and_values(typed).options)


@given(st.text(max_size=MAX_LENGTH))
def test_any_text_is_one_line_of_words(typed: str) -> None:
    assert len(single_argument(typed)) <= MAX_LENGTH
    assert single_argument(typed).splitlines() in ([single_argument(typed)], [])


@given(
    st.text(max_size=MAX_LENGTH).filter(lambda text: "release" not in text and "-" not in text and "\u2013" not in text)
)
def test_text_without_options_is_all_words(typed: str) -> None:
    assert words_and_options(typed, ("release",)).options == {}
