"""The hours of a day in which jobs may start, such as `22:00-06:00 Europe/Berlin`; pure."""

from __future__ import annotations

import re
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
            begin = datetime.combine(day, self.opens, self.zone).astimezone(UTC)
            end = datetime.combine(closing_day, self.closes, self.zone).astimezone(UTC)
            if begin <= now < end:
                return end
        return None

    def __str__(self) -> str:
        return f"{self.opens:%H:%M}-{self.closes:%H:%M} {self.zone.key}"


def read_window(text: str) -> Window:
    """The window that `22:00-06:00 Europe/Berlin` means, by UTC without a time zone; raises InvalidParams."""
    found = FORM.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        opens, closes = time(int(found[1]), int(found[2])), time(int(found[3]) % 24, int(found[4]))
    except ValueError:
        raise InvalidParams(f"{text[:60]!r} is no window. Write it such as 22:00-06:00 Europe/Berlin.") from None
    try:
        zone = ZoneInfo(found[5] or "UTC")
    except (OSError, ValueError, KeyError):
        raise InvalidParams(f"There is no time zone {found[5][:60]!r}; use one like Europe/Berlin or UTC.") from None
    if opens == closes and not (opens == time() and int(found[3]) == 24):
        raise InvalidParams(
            f"The window {text[:60]!r} opens and closes at the same time. Write 00:00-24:00 for all day."
        )
    return Window(opens, closes, zone)
