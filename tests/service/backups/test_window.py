"""A window closes at the hour that people mean, over midnight and when the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.backups.window import read_window
from service.errors import InvalidParams


@pytest.mark.parametrize(
    ("window", "now", "end"),
    [
        ("22:00-06:00", "2026-01-10T23:30", "2026-01-11T06:00"),
        ("22:00-06:00", "2026-01-11T05:59", "2026-01-11T06:00"),
        ("22:00-06:00", "2026-01-11T06:00", None),
        ("22:00-06:00", "2026-01-11T21:59", None),
        ("9:00-17:30", "2026-01-11T12:00", "2026-01-11T17:30"),
        ("00:00-24:00", "2026-01-11T12:00", "2026-01-12T00:00"),
        ("22:00-06:00 Europe/Berlin", "2026-01-10T21:00", "2026-01-11T05:00"),
        ("22:00-06:00 Europe/Berlin", "2026-03-28T22:00", "2026-03-29T04:00"),
        ("22:00-06:00 Europe/Berlin", "2026-10-24T22:00", "2026-10-25T05:00"),
    ],
)
def test_window_closes_by_the_clock_of_its_zone(window: str, now: str, end: str | None) -> None:
    found = read_window(window).end(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == (datetime.fromisoformat(end).replace(tzinfo=UTC) if end else None)


@pytest.mark.parametrize("window", ["", "late", "22-06", "25:00-06:00", "22:00-06:00 Mars/Olympus", "06:00-06:00"])
def test_window_that_cannot_be_read_is_refused(window: str) -> None:
    with pytest.raises(InvalidParams):
        read_window(window)
