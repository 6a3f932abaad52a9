"""Runs of the P2V checklist and schedules on PostgreSQL, where several processes share them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.e2e.test_p2v import begin, work_through
from tests.e2e.test_schedules import EVERY_SECOND, fired, put
from tests.kept_packages import keep_package
from tests.peers.fetch import require
from tests.peers.postgres import Postgres
from tests.running_service import RunningService


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service on PostgreSQL, without a vCenter, and one kept backup."""
    require("postgres")
    data_dir = tmp_path_factory.mktemp("postgres")
    keep_package(data_dir / "backups", "a1", datetime(2026, 1, 1, tzinfo=UTC))
    with Postgres() as postgres, RunningService(data_dir, {"VMKOPS_DATABASE_URL": postgres.url}) as running:
        yield running


def test_ticks_of_two_people_at_once_are_all_kept(service: RunningService) -> None:
    run = begin(service)

    work_through(service, run)

    _, listed = service.call("GET", "/p2v/runs")
    assert [each["id"] for each in listed["runs"]] == [run["id"]]


def test_schedule_fires_a_job_by_the_clock_and_goes_when_it_is_taken_away(service: RunningService) -> None:
    status, made = put(service, "often", cron=EVERY_SECOND)
    assert status == 200, made

    job = service.ended(fired(service, "often")["last_job"])

    assert job["state"] == "succeeded", job["error"]
    assert job["requested_by"] == "schedule:often"
    assert service.delete("/schedules/often") == 204
    assert service.call("GET", "/schedules")[1]["schedules"] == []
