"""Reads the time and the host name at the beginning of a log line.

Formats: ISO 8601 (RFC 3339, as ESXi writes since 5.0), BSD syslog (RFC 3164, without a year), and the uptime of the
host, as ESX wrote before 5.0 (``2:16:49:12.573 cpu3:``).
"""

from __future__ import annotations

import re
from calendar import timegm
from functools import lru_cache
from typing import Literal, NamedTuple

Clock = Literal["calendar", "yearless", "uptime"]
"""Times of different clocks cannot be compared."""


class Stamp(NamedTuple):
    """The time of a line."""

    clock: Clock
    seconds: int
    """Since 1970 in UTC; for ``yearless`` since the beginning of a leap year; for ``uptime`` since the host started."""
    text: str
    """As the log prints it, without fractions: ``2025-01-15T02:10:09Z``, ``Mar  3 02:11:09`` or ``2:16:49:12``."""

    @property
    def minute(self) -> int:
        """The number of the minute of this clock."""
        return self.seconds // 60


_HEAD = 120
"""Characters at the beginning of a line in which its time is searched for."""

_PRIORITY = r"(?:<\d{1,3}>(?:1 )?)?"
_ISO = re.compile(
    rf"\s*{_PRIORITY}\[?(?P<date>\d{{4}}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d:\d\d)(?:[.,]\d{{1,9}})?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)?"
)
_BSD = re.compile(rf"\s*{_PRIORITY}(?P<month>[A-Z][a-z]{{2}}) {{1,2}}(?P<day>\d{{1,2}}) (?P<time>\d\d:\d\d:\d\d)(?!\d)")
_UPTIME = re.compile(r"(?<![\d:])(?P<days>\d{1,5}):(?P<time>\d\d:\d\d:\d\d)(?:\.\d{1,6})? cpu\d")
_HOST = re.compile(r"(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)? (?P<host>[A-Za-z0-9][\w.-]{0,62}) [\w./-]{1,48}(?:\[\d+\])?: ")
_LEVELS = frozenset(("info", "verbose", "warning", "error", "trivia", "panic", "debug"))
"""hostd and vpxa of ESXi 5 and 6 write these between the time and the sender."""

_MONTHS = {"JanFebMarAprMayJunJulAugSepOctNovDec"[at : at + 3]: at // 3 + 1 for at in range(0, 36, 3)}
_LEAP_YEAR = 1972


def stamp_of(line: str) -> Stamp | None:
    """Return the time at the beginning of a line, or None when there is none."""
    if found := _ISO.match(line):
        return _calendar(found["date"], found["time"], found["zone"] or "")
    if found := _BSD.match(line):
        return _yearless(found["month"], found["day"], found["time"])
    if found := _UPTIME.search(line, 0, _HEAD):
        return _uptime(found["days"], found["time"])
    return None


def host_of(line: str) -> str:
    """Return the name of the host that a syslog line has after its time; "" when it has none."""
    stamp = _ISO.match(line) or _BSD.match(line)
    found = _HOST.match(line, stamp.end()) if stamp else None
    return "" if found is None or found["host"].lower() in _LEVELS else found["host"]


def split(text: str) -> tuple[str, str]:
    """Return the day and the time of a ``Stamp.text``; the uptime has no day, and its time keeps its days."""
    if text[4:5] == "-":
        return text[:10], text[11:19]
    return (text[:6], text[7:]) if text[:1].isalpha() else ("", f"uptime {text}" if text else "")


def zone(text: str) -> str:
    """Return the zone of a ``Stamp.text`` for people, after a space: `` UTC`` or `` +01:00``; "" when it has none."""
    written = text[19:] if text[10:11] == "T" else ""
    if not written or written == "Z":
        return " UTC" if written else ""
    return f" {written[:3]}:{written[-2:]}"


@lru_cache(maxsize=1024)
def _calendar(date: str, time: str, zone: str) -> Stamp | None:
    year, month, day = map(int, date.split("-"))
    seconds = _seconds(year, month, day, time)
    if seconds is None:
        return None
    if zone and zone != "Z":
        offset = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
        seconds += -offset if zone[0] == "+" else offset
    return Stamp("calendar", seconds, f"{date}T{time}{zone}")


@lru_cache(maxsize=1024)
def _yearless(month: str, day: str, time: str) -> Stamp | None:
    seconds = _seconds(_LEAP_YEAR, _MONTHS.get(month, 0), int(day), time)
    if seconds is None:
        return None
    return Stamp("yearless", seconds - timegm((_LEAP_YEAR, 1, 1, 0, 0, 0)), f"{month} {int(day):2} {time}")


@lru_cache(maxsize=1024)
def _uptime(days: str, time: str) -> Stamp:
    hours, minutes, seconds = map(int, time.split(":"))
    return Stamp("uptime", int(days) * 86400 + hours * 3600 + minutes * 60 + seconds, f"{int(days)}:{time}")


def _seconds(year: int, month: int, day: int, time: str) -> int | None:
    """Return the seconds since 1970, or None when there is no such day or time."""
    hours, minutes, seconds = map(int, time.split(":"))
    if not (1 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= 31 and hours < 24 and minutes < 60 and seconds < 61):
        return None
    return timegm((year, month, day, hours, minutes, seconds))
