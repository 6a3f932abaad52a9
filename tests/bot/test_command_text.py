"""What somebody types after a command becomes values, or a plain word about what is wrong."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.command_text import LONGEST, Typed, UsageError, name_and_values, one_value, wants_help, with_options


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
def test_one_value_is_freed_of_spaces_and_quotes(typed: str, value: str) -> None:
    assert one_value(typed) == value


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
def test_option_is_read_however_it_is_typed(typed: str) -> None:
    assert with_options(typed, ("release",)) == ("EBUSY", {"release": "esxi-6.0"})


def test_repeatable_option_keeps_every_value() -> None:
    typed = "centos disk=sda --disk sdb,sdc"
    assert with_options(typed, ("disk",), repeatable=("disk",)) == ("centos", {"disk": "sda,sdb,sdc"})


def test_words_keep_their_order_around_an_option() -> None:
    assert with_options("scsi release=esx-3.5 reservation conflict", ("release",)).words == "scsi reservation conflict"


def test_name_of_an_option_is_a_word_when_nothing_makes_it_an_option() -> None:
    assert with_options("release lock", ("release",)) == ("release lock", {})


def test_equals_sign_makes_no_option_of_another_name() -> None:
    assert with_options("status=bad0022", ("release",)) == ("status=bad0022", {})


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("EBUSY --relaese esxi-6.0", "I do not know the option --relaese; there is --release."),
        ("EBUSY --release", "--release needs a value."),
        ("EBUSY release=", "--release needs a value."),
        ("EBUSY release=a release=b", "--release is given twice."),
        ("x" * (LONGEST + 1), "I read at most 500."),
    ],
)
def test_wrong_option_says_what_is_wrong(typed: str, why: str) -> None:
    with pytest.raises(UsageError, match=why.replace(".", r"\.")):
        with_options(typed, ("release",))


@pytest.mark.parametrize("typed", ["help", " HELP ", "--help", "-h", "?"])
def test_help_is_asked_for_in_several_ways(typed: str) -> None:
    assert wants_help(typed)


@pytest.mark.parametrize("typed", ["", "help me", "web-help", "help" * 10_000])
def test_other_words_ask_for_no_help(typed: str) -> None:
    assert not wants_help(typed)


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
def test_name_and_its_values_are_read(typed: str, name: str, values: dict[str, str]) -> None:
    assert name_and_values(typed) == Typed(name, values)


@pytest.mark.parametrize("typed", ['nic network="open', "nic e1000", "nic =e1000", "nic type=a type=b"])
def test_words_that_are_no_values_are_a_wrong_use(typed: str) -> None:
    with pytest.raises(UsageError):
        name_and_values(typed)


@given(st.text(max_size=LONGEST))
def test_any_text_is_read_as_values_or_refused(typed: str) -> None:
    with contextlib.suppress(UsageError):
        assert all(name_and_values(typed).options)


@given(st.text(max_size=LONGEST))
def test_any_text_is_one_line_of_words(typed: str) -> None:
    assert len(one_value(typed)) <= LONGEST
    assert one_value(typed).splitlines() in ([one_value(typed)], [])


@given(
    st.text(max_size=LONGEST).filter(lambda text: "release" not in text and "-" not in text and "\u2013" not in text)
)
def test_text_without_options_is_all_words(typed: str) -> None:
    assert with_options(typed, ("release",)).options == {}
