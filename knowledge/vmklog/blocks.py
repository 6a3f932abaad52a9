"""Selects the lines of a block of log that may contain a finding.

In Python, it is too slow to match a regular expression against everything or to look at each line. It is fast to search
a whole block for a fixed text. Each sort of finding has a text that is always part of it (its marker). Where the marker
is a common word, the text around it is checked before the line is selected.
"""

from __future__ import annotations

import re
from string import ascii_lowercase, ascii_uppercase

_FOLDED = bytes.maketrans(
    f"{ascii_uppercase}{ascii_lowercase}".encode() + b"/\xc31235789",
    f"{ascii_lowercase}{ascii_lowercase}".translate(str.maketrans("nui", "eaa")).encode() + b":x1191119",
)
"""Maps letters to lower case, and some characters to the same one, so that one search finds two markers: ``/`` and
``:`` (``H:0x``, ``(0x5/0x25``), the digits of 195887 and 732758, the letters of ``naa.`` and ``eui.``, ``x`` and the
first byte of ``×``."""

_STATUS_TEXT = rb":?\s+(?:\"|\xe2\x80\x9c)?(?-i:[A-Z])"


def _marker(text: bytes, check: bytes = b"") -> tuple[bytes, re.Pattern[bytes] | None]:
    pattern = re.compile(check.replace(b"TEXT", _STATUS_TEXT), re.IGNORECASE | re.MULTILINE) if check else None
    return text.translate(_FOLDED), pattern


_MARKERS = (
    _marker(b"bad0"),
    _marker(b"195887", rb"195887|7327[56]\d"),
    _marker(b":0x", rb"/0|(?<=h):0"),
    _marker(b"sense data"),
    _marker(b"naa.", rb"(?:naa|eui)\.[\da-f]"),
    _marker(b"qn.", rb"qn\.\d"),
    _marker(b"t10.", rb"t10\."),
    _marker(b"status", rb"status(?: = \w|TEXT)"),
    _marker(b"nvme", rb"nvme[^\n]*status[:=]?\s*0"),
    _marker(b"due to", rb"due toTEXT"),
    _marker(b"error", rb"errorTEXT"),
    _marker(b"eason:", rb"eason(?=:)TEXT"),
    _marker(b"fail", rb"failed(?: with)?TEXT|(?<=: )fail|fail[^\n]*: (?-i:[A-Z])[^\n:]*$"),
)
"""For each marker its folded text, and the pattern that the original text must match at that place, or None."""


def promising_lines(block: bytes) -> list[tuple[int, int]]:
    """Return start and end (in bytes) of the lines of a block that may contain a finding, in order.

    No line with a finding is missing; some of the lines have none.
    """
    folded = block.translate(_FOLDED)
    lines: dict[int, int] = {}
    for marker, check in _MARKERS:
        at = folded.find(marker)
        while at >= 0:
            if check is not None and not check.match(block, at):
                at = folded.find(marker, at + 1)
                continue
            end = block.find(b"\n", at)
            if end < 0:
                end = len(block)
            lines[block.rfind(b"\n", 0, at) + 1] = end
            at = folded.find(marker, end)
    return sorted(lines.items())
