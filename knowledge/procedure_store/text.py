"""Converts the Markdown of a page to plain words, for the search and for snippets on one line."""

from __future__ import annotations

import re

MARK_START = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}"
"""The mark before a matched word in a snippet; the presentation replaces it with bold or ``<mark>``."""

MARK_END = "\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}"
"""The mark after a matched word in a snippet."""

_CODE = re.compile(
    r"\n[ >]*(?P<fence>`{3,}|~{3,})[^`\n]*\n(?P<block>.*?)(?:^[ >]*(?P=fence)[`~]* *$|\Z)"
    r"|(?P<ticks>`(?<!``)`{0,7})(?!`)(?P<span>[^\n]{1,300}?)(?<!`)(?P=ticks)(?!`)",
    re.MULTILINE | re.DOTALL,
)
"""Lengths have a bound, here and below, so that a hostile page takes a time that is linear in its size.

All patterns but that of tables start with a sign, or with the line end before a line: a search for a sign is several
times as fast as one for the start of a line.
"""
_LINE_START = re.compile(
    r"\n(?: {0,3}(?:> ?)+(?:\[!(?:NOTE|TIP|IMPORTANT|WARNING|CAUTION)\] *$)?|#{1,6} +| *(?:[-*+]|\d+[.)]) +)",
    re.MULTILINE,
)
_TABLE_SIGNS = re.compile(r"^ *\|[ |:-]*\| *$|^ *\| *|(?<! ) *\| *$| \|(?= )")
_LINK = re.compile(r"(?:!\[|\[)([^\]\n]{0,300})\]\([^)\n\0]{0,500}\)")
_STARS = re.compile(r"\*(?<![\w*\\]\*)(\*{0,2})(?=\S)([^*\n]+)(?<=\S)\*\1(?!\w)")
_UNDERSCORES = re.compile(r"_(?<![\w\\]_)(_?)(?=\S)([^_\n]+)(?<=\S)_\1(?!\w)")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_CODE_HERE = "\0"
"""Stands for code while the markup around it is removed; no page can contain it."""
_MARKUP = (
    ("](", _LINK, r"\1"),
    *(("*", _STARS, r"\2"), ("_", _UNDERSCORES, r"\2"), ("\\", _ESCAPED, r"\1")),
)
"""For each kind of markup: a sign that a text may have it, its pattern, and what remains of it."""


def plain_text(markdown: str) -> str:
    """Return the words of a Markdown text on one line, without its markup.

    Code remains as it is, with its underscores, hyphens and asterisks (``_VCB-BACKUP_``).
    """
    code: list[str] = []

    def put_aside(found: re.Match[str]) -> str:
        code.append(found["span"] or found["block"] or "")
        return _CODE_HERE if found["span"] else f"\n{_CODE_HERE}\n"

    text = "\n" + markdown.replace(_CODE_HERE, "")
    if "`" in text or "~~~" in text:
        text = _CODE.sub(put_aside, text)
    text = _LINE_START.sub("\n", text)
    if "|" in text:
        text = "\n".join(_TABLE_SIGNS.sub("", line) if "|" in line else line for line in text.split("\n"))
    for sign, pattern, instead in _MARKUP:
        if sign in text:
            text = pattern.sub(instead, text)
    first, *rest = text.split(_CODE_HERE)
    text = first + "".join(part for pair in zip(code, rest, strict=True) for part in pair)
    return " ".join(text.replace(MARK_START, "").replace(MARK_END, "").split())


def marked(snippet: str, start: str, end: str) -> str:
    """Return a snippet with ``start`` and ``end`` around the matched words in place of the marks."""
    return snippet.replace(MARK_START, start).replace(MARK_END, end)
