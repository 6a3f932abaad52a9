"""Processes of version 0.1.0 and of this one share a PostgreSQL until the last of the older ones stops."""

from __future__ import annotations

from pathlib import Path

import psycopg

from service.jobs.serializer import PICKLE, RecordSerializer
from tests.e2e.upgrade.record import COPYING, SCHEDULE, put_disks
from tests.peers.fetch import require
from tests.peers.postgres import Postgres
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings
from tests.service.jobs.test_pickled import stored

FAR_FUTURE = 1e11
RECORDS = {
    "workflow_input": ("inputs",),
    "workflow_output": ("output", "error"),
    "operation_outputs": ("output", "error"),
    "workflow_events": ("value",),
    "workflow_events_history": ("value",),
    "workflow_schedules": ("context",),
}
OLDER, NEWER = "1", "2"


def make_older(database: psycopg.Connection) -> None:
    """Write all records as version 0.1.0 writes them, and let a process of that version have written them."""
    for table, columns in RECORDS.items():
        for column in columns:
            found = database.execute(f"SELECT DISTINCT {column} FROM dbos.{table} WHERE {column} IS NOT NULL")
            for (text,) in found.fetchall():
                value = RecordSerializer().deserialize(text)
                if table == "workflow_input":
                    value["args"] = tuple(value["args"])
                database.execute(f"UPDATE dbos.{table} SET {column} = %s WHERE {column} = %s", [stored(value), text])
    for table in ("workflow_status", "operation_outputs", "workflow_events", "workflow_events_history"):
        database.execute(f"UPDATE dbos.{table} SET serialization = %s", [PICKLE])
    database.execute("UPDATE dbos.workflow_status SET application_version = %s", [OLDER])
    database.execute("UPDATE vmkops_executors SET job_format = %s, seen_at = 0", [OLDER])


def test_job_of_the_older_version_shows_at_once_and_goes_on_when_its_last_process_stops(tmp_path: Path) -> None:
    require("postgres")
    require("vcsim")
    with Postgres() as postgres, Vcsim() as vcenter, psycopg.connect(postgres.url, autocommit=True) as database:
        settings = vcenter_settings(vcenter) | {"VMKOPS_DATABASE_URL": postgres.url}
        put_disks(vcenter)
        vcenter.nfc(stall_after_bytes=1000)
        with RunningService(tmp_path, settings) as older:
            job_id = older.backup(COPYING)["id"]
            before = older.reading(job_id)
            assert older.call("PUT", "/schedules/leap-day", SCHEDULE)[0] == 200
            older.kill()
        make_older(database)
        living = "INSERT INTO vmkops_executors (id, seen_at, job_format) VALUES ('another', %s, %s)"
        database.execute(living, [FAR_FUTURE, OLDER])
        vcenter.reset_nfc()

        def beats() -> object:
            query = "SELECT seen_at FROM vmkops_executors WHERE job_format = %s"
            return database.execute(query, [NEWER]).fetchall()

        with RunningService(tmp_path, settings, token=older.token) as service:
            first = wait_for(beats, what="the first beat", explain=service.log)
            wait_for(lambda: beats() != first, timeout=60, what="the next beat", explain=service.log)
            assert service.job(job_id) == before
            assert service.call("GET", "/schedules/leap-day")[1]["action"] == SCHEDULE["action"]
            pickles = "SELECT count(*) FROM dbos.workflow_status WHERE serialization = %s"
            assert database.execute(pickles, [PICKLE]).fetchone() == (1,)

            database.execute("UPDATE vmkops_executors SET seen_at = 0 WHERE job_format = %s", [OLDER])

            job = service.ended(job_id)
            assert job["state"] == "succeeded", job["error"]
            assert vcenter.done("CreateSnapshot_Task", COPYING) == 1
            assert vcenter.snapshots() == {}
            assert database.execute(pickles, [PICKLE]).fetchone() == (0,)
            remaining = "SELECT id FROM vmkops_executors WHERE job_format = %s"
            assert database.execute(remaining, [OLDER]).fetchall() == []
