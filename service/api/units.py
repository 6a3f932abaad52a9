"""Formats amounts, counts and time spans for people. Pure: no I/O."""

from __future__ import annotations

from datetime import datetime


def amount(number: float, unit: str = "bytes") -> str:
    """A number of bytes in decimal units (1 GB = 1,000,000,000 bytes), or another number with its unit."""
    if unit != "bytes":
        return f"{number:,.0f} {unit}"
    for factor, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= factor:
            return f"{number / factor:.1f} {name}"
    return f"{number:.0f} bytes"


def count(number: int, noun: str) -> str:
    """A number with its noun, such as `1 disk` or `3 disks`; `noun` is the singular and takes an `s`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """A time span in its two largest units: `45 s`, `3 min 12 s`, `1 h 04 min`."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def took(started: str | None, finished: str | None) -> str:
    """The time span between two RFC 3339 times; empty when one is missing or invalid."""
    if not started or not finished:
        return ""
    try:
        span = datetime.fromisoformat(finished) - datetime.fromisoformat(started)
    except (ValueError, TypeError):
        return ""
    return duration(span.total_seconds())
