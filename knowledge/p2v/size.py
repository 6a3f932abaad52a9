"""Parses and formats disk sizes: 1 KiB blocks of ``sfdisk -s``, decimal GB of disk vendors, and binary GiB."""

from __future__ import annotations

import re

from knowledge.errors import Unreadable

KIB = 1024
MOST_BLOCKS = 2**50
"""One exbibyte; a larger size is probably a typing error."""

UNITS = {
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "tb": 1000**4,
    "k": KIB,
    "kib": KIB,
    "m": KIB**2,
    "mib": KIB**2,
    "g": KIB**3,
    "gib": KIB**3,
    "t": KIB**4,
    "tib": KIB**4,
}
SIZE = re.compile(r"(?P<number>[0-9]{1,18}(?:\.[0-9]{1,6})?)\s*(?P<unit>[A-Za-z]*)")


def parse_blocks(text: str) -> int:
    """Parse ``39070080``, ``36GB`` (decimal), ``36GiB`` or ``36G`` (binary) to 1 KiB blocks, rounded up.

    A number without a unit is in blocks, as ``sfdisk -s`` prints them. Raises Unreadable.
    """
    match = SIZE.fullmatch(text.strip())
    unit = match["unit"].lower() if match else ""
    if match is None or (unit and unit not in UNITS) or (not unit and "." in match["number"]):
        raise Unreadable(f"{text[:40]!r} is not a size; give blocks of sfdisk -s (39070080), or 36GB, 36GiB")
    whole, _, fraction = match["number"].partition(".")
    scaled = int(whole + fraction) * UNITS.get(unit, KIB)
    per_block: int = KIB * 10 ** len(fraction)
    blocks = -(-scaled // per_block)
    if not 1 <= blocks <= MOST_BLOCKS:
        raise Unreadable(f"{text[:40]!r} is not the size of a disk; give 1 to {MOST_BLOCKS} blocks of 1 KiB")
    return blocks


def in_words(blocks: int) -> str:
    """Return blocks, MB and GB for people, calculated as on the page: divided by 1024, and by 1024 again."""
    return f"{blocks} blocks = {blocks / KIB:.3f} MB = {blocks / KIB / KIB:.3f} GB"
