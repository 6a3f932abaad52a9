"""Log text -> every code, status and name in it, where it stands and what it means."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from string import ascii_uppercase

from knowledge.vmkerr.table import Tables, bundled
from knowledge.vmklog.codes import find_codes, find_texts
from knowledge.vmklog.finding import Finding
from knowledge.vmklog.names import find_names
from knowledge.vmklog.origin import Origin, given, inferred
from knowledge.vmklog.storage import find_nvme, find_scsi

_SMALL = {ord(capital): capital.lower() for capital in ascii_uppercase}


def decode_line(line: str, release: str | None = None, tables: Tables | None = None, number: int = 1) -> list[Finding]:
    """Find what means something in one line, in its order; ``number`` is the line's.

    Without a release (``3.5``, ``6.7``) the line's own format is asked for it. Raises Unreadable for a release that
    nobody knows.
    """
    known = tables or bundled()
    return decode_from(line, number, given(release, known) if release else inferred(line, known), known)


def decode_text(text: str, release: str | None = None, tables: Tables | None = None) -> list[Finding]:
    """Find what means something in the lines of a text; raises Unreadable for a release that nobody knows."""
    known = tables or bundled()
    if release:
        given(release, known)  # refuse it even when the text is empty
    lines = text.split("\n")
    return list(chain.from_iterable(decode_line(line, release, known, at) for at, line in enumerate(lines, start=1)))


def decode_from(line: str, number: int, origin: Origin, tables: Tables) -> list[Finding]:
    """Find what means something in a line of known origin."""
    lower = _small(line)
    found = [
        *find_codes(number, line, lower, origin, tables),
        *find_scsi(number, line, lower, origin),
        *find_names(number, line, lower),
    ]
    if (nvme := lower.find("nvme")) >= 0:
        found += find_nvme(number, line, nvme)
    found += _alone(number, line, lower, origin, tables, found)
    found.sort(key=lambda finding: finding.start)
    return found


def _small(line: str) -> str:
    """Give a line in small letters, each where its capital stood (a few signs of Unicode become two when small)."""
    lower = line.lower()
    return lower if len(lower) == len(line) else line.translate(_SMALL)


def _alone(
    number: int, line: str, lower: str, origin: Origin, tables: Tables, numbers: list[Finding]
) -> Iterator[Finding]:
    """Find texts that stand alone: not those of a number that stands right behind or before them."""
    codes = [finding for finding in numbers if finding.kind == "vmkernel"]
    seen: set[int] = set()
    starts, ends = {code.start for code in codes}, {code.end for code in codes}
    for text in find_texts(number, line, lower, origin, tables):
        before_a_code = any(text.end + blanks in starts for blanks in range(4))
        behind_a_code = any(text.start - blanks in ends for blanks in range(5))
        if not before_a_code and not behind_a_code and text.start not in seen:
            seen.add(text.start)
            yield text
