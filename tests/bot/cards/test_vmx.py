"""A snippet in Slack is the exact text to paste, in a code block that its content cannot end."""

from __future__ import annotations

from bot.cards.vmx import snippet_card
from service.api.client import RenderedSnippet
from tests.bot.slack_limits import assert_slack_takes, drawn


def card_for(text: str, **more: str) -> str:
    texts = {"vm": text, **more}
    snippet = RenderedSnippet(name="x", title="X", text=text, texts=texts, notes=("n & <m>",) * 40)
    card = snippet_card(snippet, typed="/vmx x", asked_by="<@U1>")
    assert_slack_takes(card)
    return drawn(card)


def test_text_is_unchanged_except_for_escaping() -> None:
    assert '```\na = "`b` &amp; &lt;c&gt;"\n```' in card_for('a = "`b` & <c>"\n')


def test_three_backticks_cannot_end_the_block() -> None:
    assert card_for('a = "```<!channel>```"\n').count("```") == 2


def test_long_texts_of_two_vms_are_cut_inside_their_code_blocks() -> None:
    assert card_for("&" * 10_000, client="<" * 10_000).count("```") == 4
