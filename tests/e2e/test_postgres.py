"""Runs, edits of pages and schedules on PostgreSQL, where several processes share them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from tests.e2e.test_p2v import begin, work_through
from tests.e2e.test_procedures import PAGE
from tests.e2e.test_schedules import EVERY_SECOND, fired, put
from tests.kept_packages import keep_package
from tests.peers.fetch import require
from tests.peers.postgres import Postgres
from tests.running_service import OPERATORS, RunningService


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service on PostgreSQL, without a vCenter, and one kept backup."""
    require("postgres")
    data_dir = tmp_path_factory.mktemp("postgres")
    keep_package(data_dir / "backups", "a1", datetime(2026, 1, 1, tzinfo=UTC))
    pages = tmp_path_factory.mktemp("pages")
    with Postgres() as postgres:
        settings = {"VMKOPS_DATABASE_URL": postgres.url, "VMKOPS_PROCEDURES_DIR": str(pages)}
        settings |= OPERATORS | {"VMKOPS_SCHEDULE_SECONDS": "1"}
        with RunningService(data_dir, settings) as running:
            yield running


def test_ticks_of_two_people_at_once_are_all_kept(service: RunningService) -> None:
    run = begin(service)

    work_through(service, run)

    _, listed = service.call("GET", "/p2v/runs")
    assert [each["id"] for each in listed["runs"]] == [run["id"]]


def test_marks_of_a_run_of_a_procedure_at_the_same_time_are_all_kept(service: RunningService) -> None:
    _, run = service.call("POST", "/procedures/linux-p2v/runs", {"incident": "INC-7"})
    items = [item["id"] for item in run["items"]]

    def tick(item: str) -> int:
        return service.call("PATCH", f"/runs/{run['id']}/items/{item}", {"state": "done", "note": "é ☑"})[0]

    with ThreadPoolExecutor(6) as people:
        statuses = set(people.map(tick, items))

    _, kept = service.call("GET", "/runs?incident=INC-7")
    assert statuses == {200}
    assert [each["progress"]["done"] for each in kept["runs"]] == [len(items)]


def test_query_with_nul_is_refused_and_the_list_goes_on_at_a_cursor(service: RunningService) -> None:
    for number in range(3):
        service.call("POST", "/procedures/linux-p2v/runs", {"incident": f"INC-{number}"})
    _, first = service.call("GET", "/runs?limit=2")
    _, second = service.call("GET", f"/runs?limit=200&cursor={first['next']}")

    assert service.call("GET", "/runs?procedure=a%00b")[0] == 400
    assert service.call("GET", "/runs?incident=%00")[0] == 400
    assert service.call("GET", "/runs?cursor=%00")[0] == 400
    assert service.call("GET", "/procedures/a%00b/history")[0] == 400
    ids = [run["id"] for run in (*first["runs"], *second["runs"])]
    assert len(ids) == len({*ids}) == len(service.call("GET", "/runs?limit=200")[1]["runs"])


def test_edits_of_a_page_at_the_same_time_are_all_kept(service: RunningService) -> None:
    def edit(number: int) -> int:
        text = PAGE.replace("rack nine", f"rack {number}")
        return service.call("PUT", "/procedures/ring-the-bell", {"text": text})[0]

    with ThreadPoolExecutor(6) as people:
        statuses = set(people.map(edit, range(12)))

    _, history = service.call("GET", "/procedures/ring-the-bell/history")
    assert statuses == {200}
    assert [each["revision"] for each in history["versions"]] == list(range(12, 0, -1))
    assert [each["change"] for each in history["versions"]] == ["changed"] * 11 + ["created"]


def test_schedule_fires_a_job_by_the_clock_and_goes_when_it_is_taken_away(service: RunningService) -> None:
    status, made = put(service, "often", cron=EVERY_SECOND)
    assert status == 200, made

    job = service.ended(fired(service, "often")["last_job"])

    assert job["state"] == "succeeded", job["error"]
    assert job["requested_by"] == "schedule:often"
    assert service.delete("/schedules/often") == 204
    assert service.call("GET", "/schedules")[1]["schedules"] == []
