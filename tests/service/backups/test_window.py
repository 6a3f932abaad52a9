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
        # On this day, the clocks go from 02:00 to 03:00 at 01:00 UTC.
        ("02:30-03:10 Europe/Berlin", "2026-03-29T00:59", None),
        ("02:30-03:10 Europe/Berlin", "2026-03-29T01:00", "2026-03-29T01:10"),
        ("02:15-02:45 Europe/Berlin", "2026-03-29T01:00", "2026-03-29T01:30"),
        ("02:30-03:00 Europe/Berlin", "2026-03-29T01:29", "2026-03-29T01:30"),
        ("01:30-02:30 Europe/Berlin", "2026-03-29T00:59", "2026-03-29T01:00"),
        ("02:00-04:00 Europe/Berlin", "2026-03-29T01:00", "2026-03-29T02:00"),
    ],
)
def test_window_closes_by_the_clock_of_its_zone(window: str, now: str, end: str | None) -> None:
    found = read_window(window).end(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == (datetime.fromisoformat(end).replace(tzinfo=UTC) if end else None)


@pytest.mark.parametrize("window", ["00:00-24:00", "22:00-00:00", "22:00-24:00", "9:05-17:30 Europe/Berlin"])
def test_window_as_shown_is_read_back(window: str) -> None:
    assert read_window(str(read_window(window))) == read_window(window)


@pytest.mark.parametrize("window", ["22:00-47:59", "22:00-24:01", "24:00-06:00", "22:60-23:00"])
def test_time_that_no_clock_shows_is_refused_with_the_mend(window: str) -> None:
    with pytest.raises(InvalidParams, match="hours from 00 to 23"):
        read_window(window)


@pytest.mark.parametrize("window", ["", "late", "22-06", "25:00-06:00", "22:00-06:00 Mars/Olympus", "06:00-06:00"])
def test_window_that_cannot_be_read_is_refused(window: str) -> None:
    with pytest.raises(InvalidParams):
        read_window(window)
