"""A VM is found when its last good backup is too old, whatever bad ones came later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.backups.catalogue import KeptVm, read_catalogue
from service.backups.freshness import Plan, StaleVm, read_duration, stale_by_plans, stale_vms
from tests.kept_packages import keep_package

NOW = datetime(2026, 3, 10, tzinfo=UTC)
WEB = KeptVm(name="renamed meanwhile", uuid="uuid-of-web", moref="vm-1")


def stale(folder: Path, vm: KeptVm = WEB) -> list[StaleVm]:
    return stale_vms(read_catalogue(folder), [vm], timedelta(hours=24), NOW)


def test_fresh_backup_is_not_found(tmp_path: Path) -> None:
    keep_package(tmp_path, "a1", NOW - timedelta(hours=23))

    assert stale(tmp_path) == []


def test_old_backup_is_found_with_its_age(tmp_path: Path) -> None:
    keep_package(tmp_path, "a1", NOW - timedelta(hours=25))

    (found,) = stale(tmp_path)

    assert (found.last_good, found.age_seconds) == ("a1", 25 * 3600)
    assert "25 hours" in found.reason


def test_fresh_but_damaged_backup_does_not_count(tmp_path: Path) -> None:
    keep_package(tmp_path, "old", NOW - timedelta(days=3))
    keep_package(tmp_path, "new", NOW - timedelta(hours=1), verdict="damaged")

    (found,) = stale(tmp_path)

    assert found.last_good == "old"
    assert "The newer one new is not good" in found.reason


def test_fresh_backup_without_all_disks_does_not_count(tmp_path: Path) -> None:
    keep_package(tmp_path, "new", NOW - timedelta(hours=1), missing=1)

    (found,) = stale(tmp_path)

    assert "1 disk of the VM is missing" in found.reason


def test_backup_of_another_vm_of_that_name_does_not_count(tmp_path: Path) -> None:
    keep_package(tmp_path, "a1", NOW)

    (found,) = stale(tmp_path, KeptVm(name="web", uuid="another", moref="vm-1"))

    assert found.reason == "It has no backup here."


@pytest.mark.parametrize(("text", "hours"), [("90m", 1.5), ("24h", 24), ("7d", 168)])
def test_duration_is_read(text: str, hours: float) -> None:
    assert read_duration(text) == timedelta(hours=hours)


def plan(**changes: Any) -> Plan:
    """A nightly schedule of WEB that fired an hour ago."""
    made = Plan("nightly", frozenset({("default", "vm-1")}), NOW - timedelta(hours=25), NOW - timedelta(hours=1))
    return made._replace(**changes)


@pytest.mark.parametrize(
    ("hours", "plans", "reason"),
    [
        (24, [plan()], ""),
        (26, [plan()], "The schedule nightly should have made one."),
        (26, [plan(since=NOW - timedelta(days=14), name="weekly"), plan()], "The schedule nightly should have"),
        (24, [plan(trouble="The window closed.")], "The last run of the schedule nightly: The window closed."),
        (0, [plan(trouble="The window closed.")], ""),
        (24, [plan(failed={("default", "vm-1"): "No space."})], "The last run of the schedule nightly: No space."),
        (24, [plan(failed={("default", "vm-2"): "No space."})], ""),
    ],
)
def test_vm_is_judged_by_its_schedules(tmp_path: Path, hours: int, plans: list[Plan], reason: str) -> None:
    keep_package(tmp_path, "a1", NOW - timedelta(hours=hours))

    found, unscheduled = stale_by_plans(read_catalogue(tmp_path), [WEB], plans, NOW)

    assert [each.vm for each in found] == ([WEB.name] if reason else [])
    assert not reason or reason in found[0].reason
    assert unscheduled == []


def test_vm_that_no_schedule_selects_is_named_and_not_stale() -> None:
    found, unscheduled = stale_by_plans([], [WEB], [plan(vms=frozenset())], NOW)

    assert (found, [each.moref for each in unscheduled]) == ([], ["vm-1"])
