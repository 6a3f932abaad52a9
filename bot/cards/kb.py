"""Cards of the written procedures: the pages that fit, and one page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bot.blocks import Message, bold, code, context, escape, header, message, section

SHOWN = ("Steps", "Check")
"""The sections of a page that somebody on call needs first."""


def found_card(words: str, hits: Sequence[dict[str, Any]], url: str) -> Message:
    """The pages that fit the words, best first."""
    if not hits:
        return message(
            f"No procedure fits {words}.",
            [section(f"No procedure fits {code(words)}."), context("Other words, or fewer of them, may find one")],
        )
    lines = [section(f"{bold(hit['title'])} {code(hit['slug'])}", escape(hit["summary"])) for hit in hits]
    best = hits[0]["slug"]
    return message(
        "Procedures: " + ", ".join(hit["title"] for hit in hits),
        [*lines, context(f"{code(f'/kb {best}')} shows the first", f"{escape(url)}/procedures")],
    )


def page_card(page: dict[str, Any], url: str) -> Message:
    """One page: what it is for, its steps and its check; the whole is on the page itself."""
    parts = dict(sections(page["body"]))
    blocks = [header(page["title"]), section(escape(page["summary"]))]
    if page["obsolete_since"]:
        blocks.append(
            section(f":warning: Obsolete since {escape(page['obsolete_since'])}: {escape(page['obsolete_reason'])}")
        )
    blocks += [section(bold(name), mrkdwn(parts[name])) for name in SHOWN if name in parts]
    blocks.append(context(f"{escape(url)}/procedures/{page['slug']}", escape(", ".join(page["applies_to"]))))
    return message(f"{page['title']}: {page['summary']}", blocks)


def sections(body: str) -> list[tuple[str, str]]:
    """The second-level sections of a Markdown page, by heading."""
    pieces = re.split(r"^## +(.+)$", body, flags=re.MULTILINE)
    return [(name.strip(), text.strip()) for name, text in zip(pieces[1::2], pieces[2::2], strict=True)]


def mrkdwn(markdown: str) -> str:
    """Markdown as Slack writes it: links lose their targets, bold has one asterisk, fences lose their language."""
    text = escape(markdown)
    text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)
    text = re.sub(r"\*\*(.+?)\*\*", r"*\1*", text)
    return re.sub(r"^( *```)\w+$", r"\1", text, flags=re.MULTILINE)
