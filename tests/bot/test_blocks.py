"""Slack accepts any message, and no name in it becomes a mention."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.blocks import (
    CUT_OFF,
    SECTION_LENGTH,
    bold,
    bullets,
    code,
    context,
    escape,
    header,
    message,
    person,
    section,
    shortened,
)
from tests.bot.slack_limits import assert_escaped, assert_slack_takes, drawn


def test_channel_ping_in_a_name_stays_text() -> None:
    assert bold("<!channel> & co") == "*&lt;!channel&gt; &amp; co*"


def test_bold_text_cannot_end_itself() -> None:
    assert bold("a*b\nc") == "*a∗b c*"


def test_code_cannot_end_itself() -> None:
    assert code("a`b\nc") == "`aʹb c`"


def test_empty_text_is_neither_bold_nor_code() -> None:
    assert bold("  ") == code("") == ""


def test_entity_is_not_cut() -> None:
    assert shortened("ab&amp;cd", 6) == "ab…"
    assert shortened("ab&amp;cd", 9) == "ab&amp;cd"


def test_empty_lines_and_parts_are_left_out() -> None:
    assert section("a", "", "b")["text"]["text"] == "a\nb"
    assert context("a", "", "b")["elements"][0]["text"] == "a · b"


def test_long_list_shows_how_many_more_there_are() -> None:
    assert bullets(["a", "b", "c", "d"], at_most=2) == "•  a\n•  b\n•  …and 2 more"


def test_slack_user_is_mentioned_and_any_other_actor_is_named() -> None:
    assert person("slack:U123") == "<@U123>"
    assert person("slack:<!here>") == "slack:&lt;!here&gt;"
    assert person("token:nightly & co") == "token:nightly &amp; co"


def test_blocks_that_do_not_fit_are_left_out_with_a_note() -> None:
    many = message("many", [section(f"line {number}") for number in range(60)])
    assert len(many.blocks) == 50
    assert drawn(many).endswith(CUT_OFF)
    long = message("long", [section("x" * SECTION_LENGTH) for _ in range(10)])
    assert drawn(long).endswith(CUT_OFF)
    assert_slack_takes(many)
    assert_slack_takes(long)


def test_fifty_blocks_are_all_kept() -> None:
    full = message("full", [section(f"line {number}") for number in range(50)])
    assert drawn(full).endswith("line 49")


ANY_TEXT = st.one_of(st.text(), st.text("<>&*`\n;ab", max_size=4_000), st.just("&" * 4_000))


@given(ANY_TEXT, st.lists(ANY_TEXT, max_size=60))
def test_slack_accepts_any_message(title: str, lines: list[str]) -> None:
    blocks = [header(title), *(section(bold(line), escape(line)) for line in lines), context(*map(code, lines))]
    assert_slack_takes(message(title or "x", blocks))


@given(ANY_TEXT, st.integers(2, 100))
def test_shortened_text_fits_and_stays_escaped(text: str, length: int) -> None:
    short = shortened(escape(text), length)
    assert len(short) <= length
    assert_escaped(short)
