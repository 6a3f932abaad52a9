"""Amounts and times have one form for people."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from knowledge.for_people import amount, when


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 bytes"), (1, "1 byte"), (16 << 20, "16.8 MB"), (4_200_000_000, "4.2 GB")]
)
def test_bytes_are_told_in_decimal_units(number: int, text: str) -> None:
    assert amount(number) == text


def test_time_is_told_to_the_minute_with_its_zone() -> None:
    assert when("2026-11-26T17:19:14Z") == "2026-11-26 17:19 UTC"
    assert when(datetime(2026, 11, 26, 17, 19, 14, tzinfo=UTC), ZoneInfo("Europe/Berlin")) == "2026-11-26 18:19 +01:00"
    assert when(None) == ""
