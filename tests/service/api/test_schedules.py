"""A schedule in words: what it does with which target, and how."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from service.api.models import Problem
from service.api.schedules import Schedule, how_words, schedule_line, schedule_words, what_words

FLEET: dict[str, Any] = {
    "vms": "tag:gold",
    "action": "backup",
    "params": {},
    "window": "22:00-06:00 UTC",
    "max_parallel": 4,
    "keep": "7d,4w",
    "until": "",
}


@pytest.mark.parametrize(
    ("action", "params", "what", "how"),
    [
        (
            "fleet",
            FLEET,
            "backup of tag:gold",
            "in the window 22:00-06:00 UTC, 4 at a time, keeping 7d,4w of the backups",
        ),
        ("fleet", {"vms": "all", "params": {"quiesce": "none"}}, "backup of all", "quiesce: none"),
        ("backup", {"vm": "web-01", "quiesce": "prefer", "until": ""}, "backup of web-01", "quiesce: prefer"),
        ("prune-backups", {"vm": "", "last": 3, "daily": 7}, "prune-backups", "last: 3, daily: 7"),
        ("ping", {}, "ping", ""),
        (
            "restore",
            {"backup": "newest:web-01", "networks": {"VM Network": "LAN"}, "connect_networks": False},
            "restore of newest:web-01",
            "networks: VM Network to LAN, connect networks: no",
        ),
    ],
)
def test_parameters_are_told_in_words(action: str, params: dict[str, Any], what: str, how: str) -> None:
    assert (what_words(action, params), how_words(action, params)) == (what, how)


def schedule(**more: Any) -> Schedule:
    made = datetime(2026, 11, 26, 22, 0, tzinfo=UTC)
    basis = {"name": "nightly", "action": "fleet", "params": FLEET, "cron": "0 22 * * *", "timezone": "UTC"}
    who = {"created_by": "slack:U0ANNA", "token": "bot", "paused": "", "next_at": made}
    return Schedule.model_validate({**basis, **who, **more})


def test_schedule_that_ran_late_is_told_whole() -> None:
    last_at = datetime(2026, 11, 25, 22, 30, tzinfo=UTC)

    words = schedule_words(schedule(last_at=last_at, last_late_seconds=1800, last_job="046f3e7e01bdc7c1"))

    assert words.splitlines() == [
        "nightly: backup of tag:gold",
        "  how         in the window 22:00-06:00 UTC, 4 at a time, keeping 7d,4w of the backups",
        "  at          0 22 * * * (UTC)",
        "  next        2026-11-26 22:00 UTC",
        "  made by     slack:U0ANNA via token bot",
        "  last run    2026-11-25 22:30 UTC, 30 min 00 s late",
        "  last job    046f3e7e01bdc7c1",
    ]


def test_schedule_that_does_not_run_says_why() -> None:
    paused = schedule_line(schedule(paused="Somebody paused it."))
    failed = schedule_line(schedule(last_problem=Problem(title="Not found", status=404, detail="No VM.")))

    assert "; paused: Somebody paused it.; made by" in paused
    assert "next" not in paused
    assert "the last made no job: No VM." in failed
