"""Finds every code, status and name in a line or text of a log, with its position and meaning."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from string import ascii_uppercase

from knowledge.vmkerr.table import Tables, bundled
from knowledge.vmklog.codes import find_codes, find_texts
from knowledge.vmklog.finding import Finding
from knowledge.vmklog.names import find_names
from knowledge.vmklog.origin import Origin, given_origin, inferred_origin
from knowledge.vmklog.storage import find_nvme, find_scsi

_LOWERCASE = {ord(capital): capital.lower() for capital in ascii_uppercase}


def decode_line(line: str, release: str | None = None, tables: Tables | None = None, number: int = 1) -> list[Finding]:
    """Return the findings of one line, in order; ``number`` is the line number that they get.

    Without ``release`` (``3.5``, ``6.7``), the release is inferred from the format of the line. Raises Unreadable for
    an unknown release.
    """
    tables = tables or bundled()
    origin = given_origin(release, tables) if release else inferred_origin(line, tables)
    return decode_from(line, number, origin, tables)


def decode_text(text: str, release: str | None = None, tables: Tables | None = None) -> list[Finding]:
    """Return the findings of all lines of a text; raises Unreadable for an unknown release."""
    tables = tables or bundled()
    if release:
        given_origin(release, tables)  # reject an unknown release even when the text is empty
    lines = text.split("\n")
    return list(
        chain.from_iterable(decode_line(line, release, tables, number) for number, line in enumerate(lines, start=1))
    )


def decode_from(line: str, number: int, origin: Origin, tables: Tables) -> list[Finding]:
    """Return the findings of a line whose origin is known or inferred already, in order."""
    lower = _lowercase(line)
    found = [
        *find_codes(number, line, lower, origin, tables),
        *find_scsi(number, line, lower, origin),
        *find_names(number, line, lower),
    ]
    if (nvme := lower.find("nvme")) >= 0:
        found += find_nvme(number, line, nvme)
    found += _standalone_texts(number, line, lower, origin, tables, found)
    found.sort(key=lambda finding: finding.start)
    return found


def _lowercase(line: str) -> str:
    """Return a line in lower case and of the same length: a few Unicode characters would become two."""
    lower = line.lower()
    return lower if len(lower) == len(line) else line.translate(_LOWERCASE)


def _standalone_texts(
    number: int, line: str, lower: str, origin: Origin, tables: Tables, numbers: list[Finding]
) -> Iterator[Finding]:
    """Yield the status texts that do not belong to a code directly before or after them."""
    codes = [finding for finding in numbers if finding.kind == "vmkernel"]
    seen: set[int] = set()
    starts, ends = {code.start for code in codes}, {code.end for code in codes}
    for text in find_texts(number, line, lower, origin, tables):
        before_a_code = any(text.end + blanks in starts for blanks in range(4))
        after_a_code = any(text.start - blanks in ends for blanks in range(5))
        if not before_a_code and not after_a_code and text.start not in seen:
            seen.add(text.start)
            yield text
