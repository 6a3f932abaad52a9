"""Converts the Markdown of written procedures to Slack's mrkdwn. Pure: no I/O.

Slack keeps every line break, has no headings and marks bold with one asterisk:
https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re

from bot.blocks import escape

BLOCK_START = re.compile(r"\s*([-+*] |\d+[.)] |[|>#]|$)")
"""How a line starts that does not continue the paragraph above: a list item, table row, quote, heading or nothing."""

COMPLETE = re.compile(r"\s*([|#]|$)")
"""How a line starts that no other line continues: a table row, a heading or nothing."""


def sections(body: str) -> list[tuple[str, str]]:
    """The second-level sections of a Markdown page, as pairs of heading and text."""
    pieces = re.split(r"^## +(.+)$", body, flags=re.MULTILINE)
    return [(name.strip(), text.strip()) for name, text in zip(pieces[1::2], pieces[2::2], strict=True)]


def mrkdwn(markdown: str) -> str:
    """The Markdown text as mrkdwn.

    Lines of one paragraph are joined. Code blocks lose their language and the indentation of their fence, links
    become their text, and headings become bold.
    """
    lines: list[str] = []
    indent: int | None = None  # of the fence, inside a code block
    joinable = False
    for line in markdown.splitlines():
        if line.strip().startswith("```"):
            indent = len(line) - len(line.lstrip()) if indent is None else None
            lines.append("```")
            joinable = False
        elif indent is not None:
            lines.append(escape(line[indent:] if not line[:indent].strip() else line))
        elif joinable and not BLOCK_START.match(line):
            lines[-1] += " " + _inline(line.strip())
        else:
            lines.append(_inline(re.sub(r"^#+ +(.+)$", r"**\1**", line)))
            joinable = not COMPLETE.match(line)
    return "\n".join(lines)


def _inline(text: str) -> str:
    """Escaped text with mrkdwn for links, italics and bold; inline code is unchanged."""
    parts = re.split(r"(`[^`]*`)", escape(text))
    for place in range(0, len(parts), 2):
        part = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", parts[place])
        part = re.sub(r"(?<![*\w])\*([^*\s](?:[^*]*[^*\s])?)\*(?![*\w])", r"_\1_", part)
        parts[place] = re.sub(r"\*\*(.+?)\*\*", r"*\1*", part)
    return "".join(parts)
