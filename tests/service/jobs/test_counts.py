"""When a schedule counts as late."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from service.jobs.counts import is_late

DUE = datetime(2026, 11, 2, 2, 30, tzinfo=UTC)


def row(fired: datetime | None, changed: datetime = datetime(2026, 10, 1, tzinfo=UTC)) -> dict[str, Any]:
    return {
        "schedule": "30 2 * * *",
        "cron_timezone": "UTC",
        "context": {"changed_at": changed.isoformat()},
        "last_fired_at": fired and fired.isoformat(),
    }


BEFORE = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "newest", "minute", "late"),
    [
        (row(BEFORE), None, 31, False),
        (row(BEFORE), None, 33, True),
        (row(DUE), None, 33, False),
        (row(None), None, 33, True),
        (row(None, changed=DUE), None, 33, False),
        (row(BEFORE), DUE, 33, False),  # the start of the service caught up, which `last_fired_at` does not show
        (row(BEFORE), BEFORE, 33, True),
        (row(DUE) | {"context": "unreadable"}, None, 33, True),
    ],
)
def test_schedule_is_late_two_minutes_after_its_time(
    schedule: dict[str, Any], newest: datetime | None, minute: int, late: bool
) -> None:
    firing = newest and SimpleNamespace(created_at=newest.timestamp() * 1000)

    assert is_late(schedule, firing, DUE.replace(minute=minute)) == late
