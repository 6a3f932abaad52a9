"""The meaning of SCSI sense data: sense key, additional sense code (ASC) and qualifier (ASCQ).

Source: T10's ``asc-num`` list in the version of sg3_utils (``knowledge/data/scsi_sense.tsv``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from knowledge.data_files import data_lines

VENDOR_ASC = "vendor specific, ask the vendor of the array"
VENDOR_ASCQ = "{general}, with a vendor-specific qualifier (ASCQ {ascq:#x})"
UNLISTED_ASCQ = "{general}, with a qualifier that T10 does not list (ASCQ {ascq:#x})"
UNLISTED = "a code that T10 does not list"

_LARGEST_KEY = 0xF
_FIRST_VENDOR = 0x80
_LARGEST = 0xFF


@dataclass(frozen=True, kw_only=True, slots=True)
class Sense:
    """The meaning of three sense bytes; see ``plausible`` for bytes that cannot be sense data."""

    key: int
    asc: int
    ascq: int
    key_name: str
    """Such as ``Unit Attention``; empty when the key is out of range, so that these cannot be sense bytes."""
    description: str
    """The meaning of ASC and ASCQ; empty when they are zero or out of range."""
    defined: bool
    """Whether the standard defines ASC and ASCQ, or both are zero; else each vendor gives them its own meaning."""

    @property
    def plausible(self) -> bool:
        """Whether three bytes like these can be sense data."""
        return bool(self.key_name) and self.asc <= _LARGEST and self.ascq <= _LARGEST

    @property
    def empty(self) -> bool:
        """Whether all three bytes are zero, which means that there is no sense data."""
        return not (self.key or self.asc or self.ascq)

    @property
    def text(self) -> str:
        """Key and description in one line: ``Illegal Request: Logical unit not supported``."""
        return ": ".join(filter(None, (self.key_name, self.description)))


def sense(key: int, asc: int, ascq: int) -> Sense:
    """Return the meaning of three sense bytes; the texts are empty for numbers out of range."""
    keys, _, _ = _tables()
    description, defined = _describe(asc, ascq) if asc <= _LARGEST and ascq <= _LARGEST else ("", False)
    return Sense(
        key=key,
        asc=asc,
        ascq=ascq,
        key_name=keys.get(key, "") if key <= _LARGEST_KEY else "",
        description=description,
        defined=defined,
    )


def _describe(asc: int, ascq: int) -> tuple[str, bool]:
    """Return the meaning of ASC and ASCQ, and whether the standard defines both."""
    if not (asc or ascq):
        return "", True
    _, exact, ranges = _tables()
    for first, last, text in ranges.get(asc, ()):
        if first <= ascq <= last:
            return text.replace("[ascq]", f"{ascq:#x}"), True
    if (asc, ascq) in exact:
        return exact[asc, ascq], True
    if asc >= _FIRST_VENDOR:
        return VENDOR_ASC, False
    general = exact.get((asc, 0))
    if general is None:
        return VENDOR_ASC if ascq >= _FIRST_VENDOR else UNLISTED, False
    return (VENDOR_ASCQ if ascq >= _FIRST_VENDOR else UNLISTED_ASCQ).format(general=general, ascq=ascq), False


@cache
def _tables() -> tuple[dict[int, str], dict[tuple[int, int], str], dict[int, list[tuple[int, int, str]]]]:
    """Return the names of keys, the exact descriptions by (ASC, ASCQ), and the ranges (first, last, text) by ASC.

    The rules for vendor-specific numbers are in ``_describe``.
    """
    keys: dict[int, str] = {}
    exact: dict[tuple[int, int], str] = {}
    ranges: dict[int, list[tuple[int, int, str]]] = {}
    for line in data_lines("scsi_sense.tsv"):
        kind, key, asc, ascq, ascq_end, description, _ = line.split("\t")
        if kind == "key":
            keys[int(key, 16)] = description
        elif kind == "asc":
            exact[int(asc, 16), int(ascq, 16)] = description
        elif kind == "asc_range":
            ranges.setdefault(int(asc, 16), []).append((int(ascq, 16), int(ascq_end, 16), description))
    return keys, exact, ranges
