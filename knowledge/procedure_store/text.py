"""A page's Markdown as plain words, for searching and for showing a piece of it on one line."""

from __future__ import annotations

import re

MARK_START = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}"
"""Stands before a matched word in a snippet; whoever draws it puts bold or ``<mark>`` in its place."""

MARK_END = "\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}"
"""Stands after a matched word in a snippet."""

_FENCE_LINE = re.compile(r"^[ >]*(?:`{3,}|~{3,}).*$", re.MULTILINE)
_HEADING_MARK = re.compile(r"^#{1,6} +|^ {0,3}(?:[-*+]|\d+[.)]) +|^ {0,3}> ?", re.MULTILINE)
_TABLE_SIGNS = re.compile(r"^ *\|[ |:-]*\| *$|^ *\| *| *\| *$| \|(?= )", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_EMPHASIS = re.compile(r"\*\*|`+|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)|[" + MARK_START + MARK_END + "]")
_BLANKS = re.compile(r"\s+")


def plain_text(markdown: str) -> str:
    """The words of a Markdown text on one line, without the signs that only draw it."""
    text = _FENCE_LINE.sub("", markdown)
    text = _HEADING_MARK.sub("", text)
    text = _TABLE_SIGNS.sub("", text)
    text = _LINK.sub(r"\1", text)
    return _BLANKS.sub(" ", _EMPHASIS.sub("", text)).strip()


def marked(snippet: str, start: str, end: str) -> str:
    """A snippet with ``start`` and ``end`` around the matched words instead of the marks."""
    return snippet.replace(MARK_START, start).replace(MARK_END, end)
