"""Pages of Markdown as HTML."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from knowledge.procedure_store.boxes import BOX_MARK, BOXES

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token


def markdown(text: str) -> str:
    """CommonMark with tables and boxes as HTML; raw HTML stays text, and links between pages lead to them here."""
    parser = _parser()
    tokens = parser.parse(text)
    for place, token in enumerate(tokens):
        if token.type == "blockquote_open":
            _mark_box(token, tokens[place + 1 : place + 3])
        for child in token.children or []:
            target = str(child.attrGet("href") or "")
            page, _, _ = target.partition("#")
            if child.type == "link_open" and page.endswith(".md") and "/" not in page:
                child.attrSet("href", f"/procedures/{page.removesuffix('.md')}")
    return str(parser.renderer.render(tokens, parser.options, {}))


def _mark_box(quote: Token, start: list[Token]) -> None:
    """Make a quote a box if `start`, its first two tokens, is a paragraph that starts with the mark of a box."""
    words = (start[-1].children if start else None) or []
    if words and words[0].type == "text" and (found := BOX_MARK.fullmatch(words[0].content.strip())):
        quote.attrSet("class", f"box {found[1].lower()}")
        quote.attrSet("role", "note")
        words[0].type, words[0].content = "html_inline", f"<strong>{BOXES[found[1]]}:</strong>"


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # not needed before the first page

    return MarkdownIt("commonmark", {"html": False}).enable("table")
