"""Boxes: warnings in a page, written as alerts of GitHub, which every Markdown viewer shows at least as a quote.

A box is a quote that starts with a line such as ``> [!CAUTION]``
(https://docs.github.com/get-started/writing-on-github, "Alerts").
"""

from __future__ import annotations

import re

BOXES = {"CAUTION": "Caution", "WARNING": "Warning", "IMPORTANT": "Important", "NOTE": "Note", "TIP": "Tip"}
"""The kinds of boxes, most severe first, and the heading that readers see."""

BOX_MARK = re.compile(rf"\[!({'|'.join(BOXES)})\]")
"""What the first line of a box contains, apart from the quote mark."""

_BOX_LINE = re.compile(rf"(\s*>\s*){BOX_MARK.pattern}\s*")


def box_kind(line: str) -> str | None:
    """Return the kind of the box that starts with this line, such as ``CAUTION``, or None for any other line."""
    found = _BOX_LINE.fullmatch(line)
    return found[2] if found else None


def readable_boxes(markdown: str) -> str:
    """Return Markdown in which each box starts with its heading in capitals in place of its mark: ``> CAUTION:``."""
    lines = markdown.split("\n")
    return "\n".join(f"{found[1]}{found[2]}:" if (found := _BOX_LINE.fullmatch(line)) else line for line in lines)
