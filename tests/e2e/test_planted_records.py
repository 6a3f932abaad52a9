"""Whoever can write rows of the jobs database cannot run code in the service, and the service goes on answering."""

from __future__ import annotations

import contextlib
import os
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.api.settings import read_settings
from service.jobs.serializer import NAME, PICKLE
from service.store.database import engine_url
from tests.e2e.actions import act
from tests.kept_packages import keep_package
from tests.peers.fetch import require
from tests.peers.postgres import Postgres
from tests.running_service import RunningService
from tests.service.jobs.test_pickled import Calls, stored

FORMS = (PICKLE, NAME, "portable_json", "custom_serializer", None)
SCHEDULE = {"action": "prune-backups", "params": {"last": 2}, "cron": "0 0 29 2 *"}
RECORDS = {
    "workflow_status": ("inputs", "output", "error"),
    "workflow_input": ("inputs",),
    "workflow_output": ("output", "error"),
    "operation_outputs": ("output", "error"),
    "workflow_events": ("value",),
    "workflow_events_history": ("value",),
    "streams": ("value",),
    "notifications": ("message",),
}
"""The columns with records, by their tables; the engine unpickles these by itself."""


class Planted:
    """A service with a job, and the database of its jobs for somebody who may write it."""

    def __init__(self, service: RunningService, marker: Path) -> None:
        self.service = service
        self.marker = marker
        names = ("VMKOPS_DATA_DIR", "VMKOPS_DATABASE_URL")
        settings = read_settings({name: service.environment[name] for name in names if name in service.environment})
        self.engine = sa.create_engine(engine_url(settings, "jobs"))
        self.schema = "dbos." if self.engine.name == "postgresql" else ""
        self.job_id = act(service, "prune-backups", last=2)["id"]
        assert service.call("PUT", "/schedules/leap-day", SCHEDULE)[0] == 200

    def evil(self, protocol: int = pickle.DEFAULT_PROTOCOL) -> str:
        """A record that runs a command when it is unpickled."""
        return stored(Calls(os.system, f"touch {self.marker}"), protocol)

    def execute(self, sql: str, **values: object) -> None:
        """Run SQL; `{dbos}` stands for the schema."""
        with self.engine.begin() as connection:
            connection.execute(sa.text(sql.format(dbos=self.schema)), values)

    def assert_unharmed(self) -> None:
        """Each call that reads records answers, and no command has run."""
        for path in (f"/jobs/{self.job_id}", "/jobs", "/schedules", "/schedules/leap-day", "/healthz", "/readyz"):
            status, answer = self.service.call("GET", path)
            assert status == 200, (path, answer, self.service.log())
        assert not self.marker.exists()

    def restart(self) -> None:
        """Kill the service and start it again."""
        self.service.kill()
        self.service.start()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """A service on each kind of database, without a vCenter."""
    folder = tmp_path_factory.mktemp("planted")
    keep_package(folder / "data" / "backups", "a1", datetime(2026, 1, 1, tzinfo=UTC))
    with contextlib.ExitStack() as stack:
        settings = {}
        if request.param == "postgres":
            require("postgres")
            settings["VMKOPS_DATABASE_URL"] = stack.enter_context(Postgres()).url
        service = stack.enter_context(RunningService(folder / "data", settings))
        made = Planted(service, folder / "ran")
        stack.callback(made.engine.dispose)
        yield made


def plant_everywhere(planted: Planted, form: str | None, evil: str) -> None:
    """Write the record into each column that the engine reads."""
    job_id = planted.job_id
    planted.execute("DELETE FROM {dbos}streams")
    planted.execute("DELETE FROM {dbos}notifications")
    planted.execute(
        "INSERT INTO {dbos}streams (workflow_uuid, key, value, \"offset\", function_id) VALUES (:id, 'k', '1', 0, 1)",
        id=job_id,
    )
    planted.execute(
        "INSERT INTO {dbos}notifications (destination_uuid, message) VALUES (:id, '1')",
        id=job_id,
    )
    for table, columns in RECORDS.items():
        changes = ", ".join(f"{column} = :evil" for column in columns)
        planted.execute(f"UPDATE {{dbos}}{table} SET {changes}", evil=evil)
        if table not in ("workflow_input", "workflow_output"):
            planted.execute(f"UPDATE {{dbos}}{table} SET serialization = :form", form=form)
    planted.execute("UPDATE {dbos}workflow_schedules SET context = :evil", evil=evil)


@pytest.mark.parametrize("form", FORMS)
def test_record_planted_in_each_column_runs_nothing(planted: Planted, form: str | None) -> None:
    for protocol in (0, 2, pickle.DEFAULT_PROTOCOL):
        plant_everywhere(planted, form, planted.evil(protocol))
        planted.assert_unharmed()

    planted.restart()

    planted.assert_unharmed()
    _, job = planted.service.call("GET", f"/jobs/{planted.job_id}")
    assert (job["state"], job["error"]["type"]) == ("failed", "urn:vmkops:record-unreadable")
    _, schedule = planted.service.call("GET", "/schedules/leap-day")
    assert schedule["last_problem"]["detail"].startswith("vmkops cannot read what this schedule starts")
    assert planted.service.call("PUT", "/schedules/leap-day", SCHEDULE)[1]["action"] == "prune-backups"


@pytest.mark.parametrize("form", [PICKLE, NAME, None])
def test_queued_job_with_a_planted_input_fails_and_runs_nothing(planted: Planted, form: str | None) -> None:
    job_id = f"planted-{form}"
    attributes = '{"action": "prune-backups", "target": "x", "params": {}, "requested_by": "token:x", "keys": ["x"]}'
    planted.execute(
        "INSERT INTO {dbos}workflow_input (workflow_uuid, inputs, retention_timestamp) VALUES (:id, :evil, 1)",
        id=job_id,
        evil=planted.evil(),
    )
    planted.execute(
        "INSERT INTO {dbos}workflow_status (workflow_uuid, status, name, created_at, updated_at, application_version, "
        "queue_name, priority, attributes, serialization, application_name) VALUES (:id, 'ENQUEUED', 'vmkops.action', "
        "1, 1, '2', 'actions', 0, :attributes, :form, 'vmkops')",
        id=job_id,
        attributes=attributes,
        form=form,
    )

    job = planted.service.ended(job_id)

    assert (job["state"], job["error"]["type"]) == ("failed", "urn:vmkops:record-unreadable")
    assert not planted.marker.exists()
    again = act(planted.service, "prune-backups", last=2)
    assert again["state"] == "succeeded"
