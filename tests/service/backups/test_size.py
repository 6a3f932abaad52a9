"""The size of a backup in words, and its window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.backups.size import duration, end_of_window, expected_time, size_check, window_check
from service.store.copy_rates import Rate
from service.vsphere.room import Room

NOW = datetime(2026, 1, 2, 3, tzinfo=UTC)
RATE = Rate(25e6, 3, "host and datastore")
TB = 10**12


def test_time_counts_the_disks_that_are_copied_at_a_time() -> None:
    assert expected_time(TB, RATE, 1) == timedelta(seconds=40_000)
    assert expected_time(TB, RATE, 2) == timedelta(seconds=20_000)
    assert expected_time(None, RATE, 1) is None
    assert expected_time(TB, None, 1) is None


def test_size_says_bytes_time_and_room() -> None:
    room = Room(datastore="ds1", free=300 * 10**9, used=TB)

    check = size_check(TB, RATE, 2, [room], 10)

    assert check.severity == "info"
    assert check.message == (
        "Up to 1.0 TB are read. That takes about 5 h 33 min, 2 disks at a time: 25.0 MB/s for each disk, measured from "
        "3 copies of this host and datastore. The datastore ds1 has 300.0 GB free for the delta disk; the copy stops "
        "when only 50.0 GB are free."
    )


def test_time_without_a_measurement_is_said_to_be_unknown() -> None:
    assert "no measurement yet" in size_check(TB, None, 1, [], 10).message


@pytest.mark.parametrize(
    ("within", "taken", "severity"),
    [
        ("6h", timedelta(hours=7), "refuse"),
        ("2d", timedelta(hours=7), ""),
        ("90m", timedelta(minutes=89), ""),
        ("90m", None, "warn"),
        ("", timedelta(days=9), ""),
    ],
)
def test_backup_that_cannot_end_in_its_window_is_refused(within: str, taken: timedelta | None, severity: str) -> None:
    found = window_check(end_of_window(within, NOW), taken, NOW)

    assert [each.severity for each in found] == ([severity] if severity else [])


def test_window_that_is_over_is_refused() -> None:
    (check,) = window_check(end_of_window("1h", NOW), None, NOW + timedelta(hours=2))

    assert check.severity == "refuse"
    assert "over" in check.message


@pytest.mark.parametrize(
    ("seconds", "words"), [(45, "45 s"), (720, "12 min"), (27_000, "7 h 30 min"), (7200, "2 h"), (273_600, "3 d 4 h")]
)
def test_duration_is_short(seconds: int, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words
