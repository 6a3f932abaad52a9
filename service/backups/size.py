"""How large a backup is, how long it takes by what finished copies measured, and whether it ends in its window."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from service.api.models import Check
from service.api.units import amount
from service.store.copy_rates import Rate
from service.vsphere.room import Room

UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
WINDOW = r"^(\d{1,4}[mhd])?$"
"""A length of time such as 90m, 6h or 2d; or nothing."""


def end_of_window(within: str, now: datetime) -> str:
    """The end (RFC 3339) of a window that begins now, such as 6h; empty for an empty one."""
    found = re.fullmatch(r"(\d+)([mhd])", within)
    return (now + int(found[1]) * UNITS[found[2]]).isoformat() if found else ""


def expected_time(size: int | None, rate: Rate | None, disks: int) -> timedelta | None:
    """How long a copy of `size` bytes takes, so many disks at a time; None when the size or the rate is not known."""
    if size is None or rate is None:
        return None
    return timedelta(seconds=size / (rate.bytes_per_second * max(1, disks)))


def size_check(size: int | None, rate: Rate | None, disks: int, rooms: Sequence[Room], percent: int) -> Check:
    """Says how much is read, how long that takes, and how much room the delta disk has meanwhile."""
    read = f"Up to {amount(size)} are read" if size is not None else "vCenter does not report the size of the VM"
    taken = expected_time(size, rate, disks)
    if rate is None or taken is None:
        time = "How long it takes is not known: there is no measurement yet of this host and datastore."
    else:
        of = f"{rate.copies} {'copy' if rate.copies == 1 else 'copies'} of this {rate.of}"
        at_once = f", {disks} disks at a time" if disks > 1 else ""
        each = f"{amount(rate.bytes_per_second)}/s for each disk"
        time = f"That takes about {duration(taken)}{at_once}: {each}, measured from {of}."
    room = "".join(
        f" The datastore {each.datastore} has {amount(each.free)} free for the delta disk; the copy stops when "
        f"only {amount(each.limit(percent))} are free."
        for each in rooms
    )
    return Check(rule="size", severity="info", message=f"{read}. {time}{room}")


def window_check(until: str, taken: timedelta | None, now: datetime) -> list[Check]:
    """Refuses a backup that cannot end before `until` (RFC 3339), and warns when nobody knows; nothing without it."""
    if not until:
        return []
    left = datetime.fromisoformat(until) - now
    if left <= timedelta():
        return [_refuse("The window is over. Start it again in the next one.")]
    if taken is None:
        message = f"Whether it ends within {duration(left)} is not known: there is no measurement yet."
        return [Check(rule="window", severity="warn", message=message)]
    if taken > left:
        return [
            _refuse(
                f"It takes about {duration(taken)}, and the window ends in {duration(left)}. Give it more time, or "
                "copy more disks at a time (VMKOPS_PARALLEL_DISKS)."
            )
        ]
    return []


def duration(length: timedelta) -> str:
    """A length of time for people: `45 s`, `12 min`, `7 h 30 min` or `3 d 4 h`."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < 100:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


def _refuse(message: str) -> Check:
    return Check(rule="window", severity="refuse", message=message)
