"""Pages of Markdown as HTML."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING

from knowledge.procedure_store.boxes import BOX_MARK, BOXES
from knowledge.procedure_store.links import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict


_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")


def markdown(text: str) -> str:
    """CommonMark with tables and boxes as HTML; raw HTML stays text, and links between pages lead to them here.

    An image becomes a link: no page makes the browsers of its readers call another site.
    """
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


def _can_be_opened(target: str) -> bool:
    """Whether a link or an image is shown as one, as `vmkops kb check` has it: on this site, or with a known scheme."""
    scheme = _SCHEME.match(target)
    return scheme is None or scheme[1].lower() in SCHEMES


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # not needed before the first page

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.validateLink = _can_be_opened  # type: ignore[method-assign, assignment]  # its documented way to restrict links
    parser.add_render_rule("image", _image_as_link)
    return parser


def _image_as_link(
    renderer: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: EnvType
) -> str:
    image = tokens[place]
    target = str(image.attrGet("src") or "")
    words = renderer.renderInlineAsText(image.children or [], options, env) or target
    return f'<a href="{escape(target)}">{escape(words)}</a>'
