"""Converts the Markdown of written procedures to Slack's mrkdwn. Pure: no I/O.

Slack keeps every line break, has no headings and marks bold with one asterisk:
https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.blocks import escape

BLOCK_START = re.compile(r"\s*([-+*] |\d+[.)] |[|>#]|$)")
"""How a line starts that does not continue the paragraph above: a list item, table row, quote, heading or nothing."""

BOX = re.compile(r"\s*>\s*\[!([A-Z]+)\]\s*")
"""How a box starts, which is a quote with a heading: an alert in GitHub's Markdown."""

BOX_SIGNS = {"CAUTION": "⛔ ", "WARNING": "⚠️ "}
"""What stands before the heading of a box."""

QUOTE = re.compile(r"\s*>\s?")

COMPLETE = re.compile(r"\s*([|#]|$)")
"""How a line starts that no other line continues: a table row, a heading or nothing."""


def sections(body: str) -> list[tuple[str, str]]:
    """The second-level sections of a Markdown page, as pairs of heading and text."""
    pieces = re.split(r"^## +(.+)$", body, flags=re.MULTILINE)
    return [(name.strip(), text.strip()) for name, text in zip(pieces[1::2], pieces[2::2], strict=True)]


def mrkdwn(markdown: str) -> str:
    """The Markdown text as mrkdwn.

    Lines of one paragraph are joined. Code blocks lose their language and the indentation of their fence, links
    become their text, headings become bold, and a box is one quote that starts with its heading.
    """
    pieces: list[tuple[Callable[[str], str], str]] = []  # each with what converts it
    indent: int | None = None  # of the fence, inside a code block
    joinable = quoted = False
    for line in markdown.splitlines():
        quote = QUOTE.match(line) if indent is None else None
        text = line[quote.end() :] if quote else line
        if line.strip().startswith("```"):
            indent = len(line) - len(line.lstrip()) if indent is None else None
            pieces.append((escape, "```"))
            joinable = False
        elif indent is not None:
            pieces.append((escape, line[indent:] if not line[:indent].strip() else line))
        elif box := BOX.fullmatch(line):
            pieces.append((_quote, f"{BOX_SIGNS.get(box[1], '')}**{box[1].capitalize()}:**"))
            joinable = True
        elif joinable and quoted == bool(quote) and not BLOCK_START.match(text):
            convert, start = pieces[-1]
            pieces[-1] = convert, f"{start} {text.strip()}"
        else:
            pieces.append((_quote, text) if quote else (_inline, re.sub(r"^#+ +(.+)$", r"**\1**", line)))
            joinable = not COMPLETE.match(text)
        quoted = bool(quote)
    return "\n".join(convert(text) for convert, text in pieces)


def _quote(text: str) -> str:
    """A line of a quote. Slack knows a quote only at the start of a line, so its indentation in a list is not kept."""
    return f"&gt; {_inline(text)}".rstrip()


def _inline(text: str) -> str:
    """Escaped text with mrkdwn for links, italics and bold; inline code is unchanged."""
    parts = re.split(r"(`[^`]*`)", escape(text))
    for place in range(0, len(parts), 2):
        part = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", parts[place])
        part = re.sub(r"(?<![*\w])\*([^*\s](?:[^*]*[^*\s])?)\*(?![*\w])", r"_\1_", part)
        parts[place] = re.sub(r"\*\*(.+?)\*\*", r"*\1*", part)
    return "".join(parts)
