"""Checks that Slack accepts a message and that no text in it becomes a mention or a link.

Stricter than the local Slack: it also checks the number of characters in all blocks together, and escaping.
"""

from __future__ import annotations

import re
from typing import Any

from bot.blocks import Message
from tests.peers.slack_limits import refusal

BARE_AMPERSAND = re.compile(r"&(?!amp;|lt;|gt;)")
OURS = re.compile(r"<@[A-Z0-9a-z]+>|<https?://[^<>|]+\|[^<>]+>")
"""Mentions of people and links that cards contain on purpose."""


def drawn(message: Message) -> str:
    """All text of a message's blocks, as one string."""
    return "\n".join(text for block in message.blocks for text in _texts(block))


def assert_slack_takes(message: Message) -> None:
    """Check a message against the limits of Block Kit, and for text that mentions or links by accident."""
    assert refusal("chat.postMessage", {"text": message.text, "blocks": message.blocks}) is None
    assert message.blocks
    assert message.text
    assert len(drawn(message)) <= 13_000
    assert_escaped(message.text)
    for block in message.blocks:
        for part in [block.get("text"), *block.get("elements", [])]:
            if part and part["type"] == "mrkdwn":
                assert part["text"]
                assert_escaped(part["text"])


def assert_escaped(text: str) -> None:
    """Check that there is no bare `&`, and no `<...>` except intended mentions and links."""
    assert not BARE_AMPERSAND.search(text), text
    bare = OURS.sub("", text)
    assert "<" not in bare, text
    assert ">" not in bare, text


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [
            text
            for key, inner in value.items()
            for text in ([inner] if key == "text" and isinstance(inner, str) else _texts(inner))
        ]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return []
