"""Picks the lines of a block of log that may hold something.

A regular expression over everything is too slow for that in Python, and so is looking at each line. What is fast is to
look for a fixed text in a whole block. Each sort of finding has a text that it cannot be without; where that text is
a common word, what stands around it is checked before its line is taken.
"""

from __future__ import annotations

import re
from string import ascii_lowercase, ascii_uppercase

_FOLDED = bytes.maketrans(
    f"{ascii_uppercase}{ascii_lowercase}".encode() + b"/\xc31235789",
    f"{ascii_lowercase}{ascii_lowercase}".translate(str.maketrans("nui", "eaa")).encode() + b":x1191119",
)
"""Letters made small, and some signs made alike so that one search does for two: ``/`` and ``:`` (``H:0x``,
``(0x5/0x25``), the digits of 195887 and 732758, the letters of ``naa.`` and ``eui.``, ``x`` and the start of ``×``."""

_STATUS_TEXT = rb":?\s+(?:\"|\xe2\x80\x9c)?(?-i:[A-Z])"


def _sign(text: bytes, check: bytes = b"") -> tuple[bytes, re.Pattern[bytes] | None]:
    pattern = re.compile(check.replace(b"TEXT", _STATUS_TEXT), re.IGNORECASE | re.MULTILINE) if check else None
    return text.translate(_FOLDED), pattern


_SIGNS = (
    _sign(b"bad0"),
    _sign(b"195887", rb"195887|7327[56]\d"),
    _sign(b":0x", rb"/0|(?<=h):0"),
    _sign(b"sense data"),
    _sign(b"naa.", rb"(?:naa|eui)\.[\da-f]"),
    _sign(b"qn.", rb"qn\.\d"),
    _sign(b"t10.", rb"t10\."),
    _sign(b"status", rb"status(?: = \w|TEXT)"),
    _sign(b"nvme", rb"nvme[^\n]*status[:=]?\s*0"),
    _sign(b"due to", rb"due toTEXT"),
    _sign(b"error", rb"errorTEXT"),
    _sign(b"eason:", rb"eason(?=:)TEXT"),
    _sign(b"fail", rb"failed(?: with)?TEXT|(?<=: )fail|fail[^\n]*: (?-i:[A-Z])[^\n:]*$"),
)
"""Texts as they are folded, and what must stand there for the line to be taken."""


def promising_lines(block: bytes) -> list[tuple[int, int]]:
    """Give start and end of the lines of a block that may hold something, in their order; a few hold nothing."""
    folded = block.translate(_FOLDED)
    lines: dict[int, int] = {}
    for sign, check in _SIGNS:
        at = folded.find(sign)
        while at >= 0:
            if check is not None and not check.match(block, at):
                at = folded.find(sign, at + 1)
                continue
            end = block.find(b"\n", at)
            if end < 0:
                end = len(block)
            lines[block.rfind(b"\n", 0, at) + 1] = end
            at = folded.find(sign, end)
    return sorted(lines.items())
