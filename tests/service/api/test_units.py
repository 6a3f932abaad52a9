"""Amounts, counts and time spans are short and easy to read."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from service.api.units import amount, count, duration, local_times, took


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (4_200_000_000, "4.2 GB"), (2.5e12, "2.5 TB")],
)
def test_bytes_have_decimal_units(number: float, text: str) -> None:
    assert amount(number) == text


def test_other_things_keep_their_unit() -> None:
    assert amount(1_200, "files") == "1,200 files"


def test_noun_of_a_count_is_singular_or_plural() -> None:
    assert [count(number, "disk") for number in (0, 1, 2)] == ["0 disks", "1 disk", "2 disks"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (192, "3 min 12 s"), (3840, "1 h 04 min"), (-1, "0 s")],
)
def test_time_span_shows_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("started", "finished"),
    [(None, "2026-01-31T10:00:00Z"), ("soon", "later"), ("2026-01-31T10:00:00", "2026-01-31T10:00:00Z")],
)
def test_unreadable_time_is_left_out(started: str | None, finished: str) -> None:
    assert took(started, finished) == ""


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("The window closed at 2026-11-26 17:19 UTC.", "The window closed at 2026-11-26 18:19 +01:00."),
        ("from 2026-07-01 22:30:05 UTC to", "from 2026-07-02 00:30:05 +02:00 to"),
        ("expired on 2026-11-26 at 23:30 UTC.", "expired on 2026-11-27 at 00:30 +01:00."),
        ("of 2026-02-31 10:00 UTC, in UTC", "of 2026-02-31 10:00 UTC, in UTC"),
    ],
)
def test_times_of_the_service_are_told_on_the_clock_of_the_reader(told: str, shown: str) -> None:
    assert local_times(told, ZoneInfo("Europe/Berlin")) == shown
