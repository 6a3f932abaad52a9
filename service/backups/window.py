"""The hours of a day in which jobs may start, such as `22:00-06:00 Europe/Berlin`; pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from service.errors import InvalidParams

FORM = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})(?:\s+(\S+))?")


class Window(NamedTuple):
    """From `opens` to `closes` each day, by the clock of `zone`; over midnight when `closes` is the earlier one."""

    opens: time
    closes: time
    zone: ZoneInfo

    def end(self, now: datetime) -> datetime | None:
        """When the window that is open at `now` closes, in UTC; None when it is closed."""
        local = now.astimezone(self.zone)
        for day in (local.date() - timedelta(days=1), local.date()):
            closing_day = day + timedelta(days=1) if self.closes <= self.opens else day
            opens, closes = datetime.combine(day, self.opens), datetime.combine(closing_day, self.closes)
            begin, end = _moment(opens, self.zone), _moment(closes, self.zone)
            if end <= begin:  # the clocks skip the whole window
                end = begin + (closes - opens)
            if begin <= now < end:
                return end
        return None

    def __str__(self) -> str:
        closes = "24:00" if self.closes == self.opens else f"{self.closes:%H:%M}"
        return f"{self.opens:%H:%M}-{closes} {self.zone.key}"


def read_window(text: str) -> Window:
    """The window that `22:00-06:00 Europe/Berlin` means, by UTC without a time zone; raises InvalidParams."""
    found = FORM.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        midnight = (int(found[3]), int(found[4])) == (24, 0)
        opens = time(int(found[1]), int(found[2]))
        closes = time() if midnight else time(int(found[3]), int(found[4]))
    except ValueError:
        raise InvalidParams(
            f"{text[:60]!r} is no window. Write it such as 22:00-06:00 Europe/Berlin, with hours from 00 to 23 and "
            "minutes from 00 to 59; a window may close at 24:00."
        ) from None
    try:
        zone = ZoneInfo(found[5] or "UTC")
    except (OSError, ValueError, KeyError):
        raise InvalidParams(f"There is no time zone {found[5][:60]!r}; use one like Europe/Berlin or UTC.") from None
    if opens == closes and not (opens == time() and midnight):
        raise InvalidParams(
            f"The window {text[:60]!r} opens and closes at the same time. Write 00:00-24:00 for all day."
        )
    return Window(opens, closes, zone)


def _moment(clock: datetime, zone: ZoneInfo) -> datetime:
    """When the clocks of the zone first show this time or, where they skip it, a later one; in UTC."""
    latest = clock.replace(tzinfo=zone).astimezone(UTC)
    if _shown(latest, zone) == clock:
        return latest
    # Before the clocks skip, they are behind by the old offset; with `fold`, by the new one.
    first = clock.replace(tzinfo=zone, fold=1).astimezone(UTC)
    seconds = range(int((latest - first).total_seconds()))
    later = bisect_left(seconds, True, key=lambda each: _shown(first + timedelta(seconds=each), zone) >= clock)
    return first + timedelta(seconds=later)


def _shown(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)
