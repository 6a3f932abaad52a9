"""The two calculations of the Linux P2V page: the size of a disk, and its transfer time over the network."""

from __future__ import annotations

import math
from dataclasses import dataclass

from knowledge.errors import Unreadable
from knowledge.p2v.size import KIB, MOST_BLOCKS

MEASURED_RATE = 14.3
"""MB/s (of 1024 x 1024 bytes) that the author of the page measured on a gigabit network: 36 GB in 40 minutes."""

MEASURED_BYTES = 36 * 1000**3
MEASURED_MINUTES = 40
SLOWER_MINUTES = 60
FASTEST_RATE = 1_000_000.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """Size and transfer time of a disk."""

    blocks: int
    """Of 1 KiB, as ``sfdisk -s`` counts."""
    bytes: int
    mb: float
    """Blocks divided by 1024."""
    gb: float
    """Blocks divided by 1024 twice."""
    decimal_gb: float
    """Of 10^9 bytes, as printed on disks."""
    rate: float
    """In MB/s of 1024 x 1024 bytes."""
    seconds: float
    """Exact."""
    duration: str
    """The seconds in words."""
    notes: tuple[str, ...]


def estimate(blocks: int, rate: float = MEASURED_RATE) -> Estimate:
    """Return the size of a number of 1 KiB blocks, and the time to send them at ``rate`` MB/s.

    Raises Unreadable when ``blocks`` or ``rate`` is not positive and finite.
    """
    if not 1 <= blocks <= MOST_BLOCKS:
        raise Unreadable(f"{blocks} is not a size; give the 1 KiB blocks that sfdisk -s prints, e.g. 39070080")
    if not (math.isfinite(rate) and 0 < rate <= FASTEST_RATE):
        raise Unreadable(f"{rate} is not a rate; give MB/s above 0, e.g. {MEASURED_RATE}")
    megabytes = blocks / KIB
    seconds = megabytes / rate
    return Estimate(
        blocks=blocks,
        bytes=blocks * KIB,
        mb=megabytes,
        gb=megabytes / KIB,
        decimal_gb=blocks * KIB / 1000**3,
        rate=rate,
        seconds=seconds,
        duration=duration(seconds),
        notes=_notes(rate),
    )


def duration(seconds: float) -> str:
    """Return a duration for people, e.g. ``44 min 28 s`` or ``2 h 5 min``."""
    whole = max(1, round(seconds))
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {whole % 60} s"
    return f"{whole} s"


def measured_rates() -> tuple[float, float]:
    """Return the page's 36 GB in 40 minutes in MB/s, for decimal GB (14.3) and for binary GB (15.4)."""
    seconds = MEASURED_MINUTES * 60
    return MEASURED_BYTES / KIB**2 / seconds, 36 * KIB / seconds


def _notes(rate: float) -> tuple[str, ...]:
    decimal, binary = measured_rates()
    slower = MEASURED_BYTES / KIB**2 / (SLOWER_MINUTES * 60)
    figures = (
        f"The page's 36 GB in {MEASURED_MINUTES} minutes are {decimal:.1f} MB/s, its own figure, if a GB is 10^9 bytes "
        f"and a MB is 1024 x 1024 bytes. With GB of 1024^3 bytes, they are {binary:.1f} MB/s."
    )
    spread = (
        f"Another copy of that size took the same author just over an hour (less than {slower:.1f} MB/s). "
        "Measure your network with about 1 GB before you plan the outage."
    )
    if rate == MEASURED_RATE:
        return (f"{MEASURED_RATE} MB/s is the documented rate, not one of your network.", figures, spread)
    return (figures, spread)
