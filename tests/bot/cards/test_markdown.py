"""A written procedure keeps its structure in Slack."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards.markdown import mrkdwn, sections
from tests.bot.slack_limits import assert_escaped


def test_page_is_split_at_its_second_level_headings() -> None:
    assert sections("intro\n\n## Steps\n\n1. Go\n\n## Check\n\nLook\n") == [("Steps", "1. Go"), ("Check", "Look")]


@pytest.mark.parametrize(
    ("markdown", "converted"),
    [
        ("One line\nand its rest.", "One line and its rest."),
        ("One.\n\nTwo.", "One.\n\nTwo."),
        ("1. First\n   and more\n2. Second", "1. First and more\n2. Second"),
        ("- a\n- b", "- a\n- b"),
        ("| a |\n| b |", "| a |\n| b |"),
        ("### Title\nText", "*Title*\nText"),
        ("**bold**, *Read only* and [a page](page.md)", "*bold*, _Read only_ and a page"),
        ("`**` and `a*b*c` stay", "`**` and `a*b*c` stay"),
        ("It **cannot\nstop** now.", "It *cannot stop* now."),
        ("- see [a\n  page](page.md)", "- see a page"),
        ("> It **cannot\n> stop** now.", "&gt; It *cannot stop* now."),
        ("a * b * c", "a * b * c"),
        ("> quoted\n> and more\n>\n> - a\n> - b", "&gt; quoted and more\n&gt;\n&gt; - a\n&gt; - b"),
        (
            "1. Do\n\n   > [!CAUTION]\n   > Stops\n   > `vm`.\n\n   Then",
            "1. Do\n\n&gt; ⛔ *Caution:* Stops `vm`.\n\n   Then",
        ),
        ("> [!NOTE]\n> Good.", "&gt; *Note:* Good."),
        ("<!channel> & co", "&lt;!channel&gt; &amp; co"),
    ],
)
def test_text_is_converted(markdown: str, converted: str) -> None:
    assert mrkdwn(markdown) == converted


def test_code_block_keeps_its_lines_without_the_indentation_of_the_list() -> None:
    block = "1. Run:\n\n   ```sh\n   if [a](b); then\n     ls **\n   fi\n   ```\n\n   Then wait\n   a minute."
    assert mrkdwn(block) == "1. Run:\n\n```\nif [a](b); then\n  ls **\nfi\n```\n\n   Then wait a minute."


@given(st.text("`*#|->[]()& \nab1."))
def test_any_text_is_escaped(markdown: str) -> None:
    assert_escaped(mrkdwn(markdown))
