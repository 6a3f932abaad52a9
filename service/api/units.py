"""Formats amounts, counts and time spans for people. Pure: no I/O."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo

from knowledge.for_people import amount, when

__all__ = ["amount", "count", "done_of", "duration", "is_time", "local_times", "took", "when"]


def done_of(done: float, total: float | None, unit: str = "bytes") -> str:
    """How much of it is done: `1.8 GB of 4.2 GB`, `1 of 3 VMs`, or `7 VMs` when the total is not known."""
    if not total:
        return amount(done, unit)
    return f"{amount(done) if unit == 'bytes' else f'{done:,.0f}'} of {amount(total, unit)}"


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


_IN_UTC = re.compile(r"\b(\d{4}-\d\d-\d\d)( at)? (\d\d:\d\d(?::\d\d)?) UTC\b")


def local_times(text: str, zone: tzinfo | None = None) -> str:
    """A text with its times in UTC, as sentences of the service have them, in `zone`; None is that of this computer.

    `closed at 2026-11-26 17:19 UTC` becomes `closed at 2026-11-26 18:19 +01:00`, the form of `when`.
    """

    def local(found: re.Match[str]) -> str:
        try:
            at = datetime.fromisoformat(f"{found[1]}T{found[3]}+00:00").astimezone(zone)
        except (ValueError, OverflowError):  # no time, such as 2026-02-31
            return found[0]
        clock = f"{at:%H:%M:%S}" if found[3].count(":") == 2 else f"{at:%H:%M}"
        return f"{at:%Y-%m-%d}{found[2] or ''} {clock} {at.isoformat()[-6:]}"

    return _IN_UTC.sub(local, text) if " UTC" in text else text


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)")


def is_time(text: str) -> bool:
    """Whether a text is an RFC 3339 time."""
    return bool(_TIME.fullmatch(text))


def took(started: str | None, finished: str | None) -> str:
    """The time span between two RFC 3339 times; empty when one is missing or invalid."""
    if not started or not finished:
        return ""
    try:
        span = datetime.fromisoformat(finished) - datetime.fromisoformat(started)
    except (ValueError, TypeError):
        return ""
    return duration(span.total_seconds())
