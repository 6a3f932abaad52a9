"""Pages of Markdown as HTML."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


def markdown(text: str) -> str:
    """CommonMark with tables as HTML; raw HTML stays text, and links between pages lead to them here."""
    parser = _parser()
    tokens = parser.parse(text)
    for token in tokens:
        for child in token.children or []:
            target = str(child.attrGet("href") or "")
            if child.type == "link_open" and target.endswith(".md") and "/" not in target:
                child.attrSet("href", f"/procedures/{target.removesuffix('.md')}")
    return str(parser.renderer.render(tokens, parser.options, {}))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # not needed before the first page

    return MarkdownIt("commonmark", {"html": False}).enable("table")
