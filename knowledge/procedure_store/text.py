"""Converts the Markdown of a page to plain words, for the search and for snippets on one line."""

from __future__ import annotations

import re

MARK_START = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}"
"""The mark before a matched word in a snippet; the presentation replaces it with bold or ``<mark>``."""

MARK_END = "\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}"
"""The mark after a matched word in a snippet."""

_FENCE_LINE = re.compile(r"^[ >]*(?:`{3,}|~{3,}).*$", re.MULTILINE)
_HEADING_MARK = re.compile(r"^#{1,6} +|^ {0,3}(?:[-*+]|\d+[.)]) +|^ {0,3}> ?", re.MULTILINE)
_TABLE_SIGNS = re.compile(r"^ *\|[ |:-]*\| *$|^ *\| *| *\| *$| \|(?= )", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_EMPHASIS = re.compile(r"\*\*|`+|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)|[" + MARK_START + MARK_END + "]")
_BLANKS = re.compile(r"\s+")


def plain_text(markdown: str) -> str:
    """Return the words of a Markdown text on one line, without its markup."""
    text = _FENCE_LINE.sub("", markdown)
    text = _HEADING_MARK.sub("", text)
    text = _TABLE_SIGNS.sub("", text)
    text = _LINK.sub(r"\1", text)
    return _BLANKS.sub(" ", _EMPHASIS.sub("", text)).strip()


def marked(snippet: str, start: str, end: str) -> str:
    """Return a snippet with ``start`` and ``end`` around the matched words in place of the marks."""
    return snippet.replace(MARK_START, start).replace(MARK_END, end)
