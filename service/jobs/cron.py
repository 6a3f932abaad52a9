"""The times of cron expressions; pure."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from croniter import CroniterBadDateError, CroniterError, croniter

from knowledge.spelling import nearest_name
from service.api.words import counted
from service.errors import InvalidParams

MOST_TIMES = 1000
"""How many times of a cron expression are looked at; a day has 288 times that are five minutes apart."""
YEAR = timedelta(days=367)
FIELDS = "minute hour day month weekday"
WORDS = ("@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@midnight", "@annually")
MAY_BE = {
    "second": "0 to 59, *, a list such as 0,30, a range such as 0-29, or a step such as */15",
    "minute": "0 to 59, *, a list such as 0,30, a range such as 0-29, or a step such as */15",
    "hour": "0 to 23, *, a list such as 6,18, a range such as 9-17, or a step such as */4",
    "day": "1 to 31, *, L for the last day of the month, a list, a range or a step",
    "month": "1 to 12, jan to dec, *, a list, a range or a step",
    "weekday": "0 to 7 (0 and 7 are Sunday), sun to sat, *, a list such as mon,fri, a range such as mon-fri or a step",
}
"""What each field of a cron expression may be."""
RANDOM = re.compile(r"(^|[\s,/])[rh]([\s,/(]|$)", re.IGNORECASE)
"""Fields that croniter fills in at random, differently in each process."""


def check_cron(cron: str, timezone: str) -> None:
    """Raise InvalidParams, with the reason, for a bad cron expression or an unknown time zone."""
    try:
        zone = ZoneInfo(timezone)
    except (OSError, ValueError, KeyError) as error:
        near = nearest_name(timezone, available_timezones())
        guess = f"Did you mean {near}?" if near else "Write one like Europe/Berlin or UTC."
        raise InvalidParams(f"There is no time zone {timezone[:60]!r}. {guess}", [near] if near else None) from error
    count = len(cron.split())
    if not cron.startswith("@") and count not in (5, 6):
        raise InvalidParams(
            f"cron {cron[:80]!r} has {counted(count, 'field')}, and five are needed: {FIELDS}. "
            "Write '30 2 * * *' for each day at 02:30, or '0 22 * * mon-fri' for 22:00 from Monday to Friday."
        )
    wrong = _wrong_field(cron)
    try:
        if not wrong:
            cron_times(cron, zone, datetime.now(UTC)).get_next(datetime)
    except CroniterBadDateError:
        wrong = "there is no such date"
    except (CroniterError, ValueError, KeyError, TypeError) as error:
        wrong = str(error)
    if wrong:
        raise InvalidParams(f"cron {cron[:80]!r} cannot be used: {wrong.rstrip('.')}. The fields are: {FIELDS}.")


def _wrong_field(cron: str) -> str:
    """Which field of a cron expression cannot be used, and what it may be; empty when each can by itself."""
    if cron.startswith("@"):
        return "" if cron.lower() in WORDS else f"the words there are: {', '.join(WORDS)}"
    fields, names = cron.split(), FIELDS.split()
    names = names if len(fields) == len(names) else ["second", *names]
    for place, (text, name) in enumerate(zip(fields, names, strict=True)):
        alone = ["*"] * len(fields)
        alone[place] = text
        try:
            if RANDOM.search(text):
                return f"the {name} {text[:40]!r}, as R and H mean another time in each process"
            croniter.expand(" ".join(alone), second_at_beginning=True)
        except (CroniterError, ValueError, KeyError, TypeError):
            return f"the {name} {text[:40]!r}. Write {MAY_BE[name]}"
    return ""


def next_times(cron: str, zone: ZoneInfo, now: datetime, count: int) -> list[datetime]:
    """The next times of a cron expression, in UTC; fewer when there are no more."""
    times = cron_times(cron, zone, now)
    found: list[datetime] = []
    with contextlib.suppress(CroniterError):
        while len(found) < count:
            found.append(times.get_next(datetime).astimezone(UTC))
    return found


def times_before(cron: str, zone: ZoneInfo, now: datetime, count: int) -> list[datetime]:
    """The last times of a cron expression, the newest first, in UTC; fewer when there are no more."""
    times = cron_times(cron, zone, now)
    found: list[datetime] = []
    with contextlib.suppress(CroniterError):
        while len(found) < count:
            found.append(times.get_prev(datetime).astimezone(UTC))
    return found


def longest_gap(times: Sequence[datetime]) -> int:
    """The longest time between two that follow each other, in seconds."""
    return max((int((later - earlier).total_seconds()) for earlier, later in itertools.pairwise(times)), default=0)


def check_interval(cron: str, least: int) -> None:
    """Raise InvalidParams for a cron expression of which two times are less than `least` seconds apart.

    It looks at the times of a year, or at the first MOST_TIMES of them, which are several days of the pattern.
    """
    now = datetime.now(UTC)
    times = cron_times(cron, ZoneInfo("UTC"), now)
    try:
        before = times.get_next(datetime)
        for _ in range(MOST_TIMES):
            following = times.get_next(datetime)
            if (following - before).total_seconds() < least:
                raise InvalidParams(
                    f"cron {cron[:80]!r} fires twice within {least} seconds, at {before:%H:%M:%S} and "
                    f"{following:%H:%M:%S}. Leave more time in between, or change VMKOPS_SCHEDULE_SECONDS."
                )
            if following - now > YEAR:
                return
            before = following
    except CroniterError:
        return  # there are no more times


def cron_times(cron: str, zone: ZoneInfo, now: datetime) -> croniter:
    """The times of a cron expression by the clock of `zone`, from `now` in both directions."""
    return croniter(cron, now.astimezone(zone), second_at_beginning=True)
