"""Jobs of an older version that this one cannot continue end with a reason, and nothing of them is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from tests.e2e.actions import act
from tests.e2e.upgrade.conftest import Left, as_before
from tests.e2e.upgrade.record import COPYING, ENDED, LIVE, put_disks
from tests.e2e.upgrade.recording import pickled
from tests.peers.fetch import require
from tests.peers.postgres import Postgres
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings

OTHER_FORMAT = "0"
UNKNOWN_FORMAT = "Another version of vmkops started this job, and this version cannot continue it."
CHECK = "vmkops removes the snapshot and the unfinished files of the job, if there are any. Check the target of the job"
AGAIN = f"{CHECK}, then start the job again."
FAR_FUTURE = 1e11


def assert_outdated(job: dict[str, Any], detail: str) -> None:
    """The job ended as failed for that reason."""
    assert job["state"] == "failed"
    assert job["error"]["type"] == "urn:vmkops:job-outdated"
    assert job["error"]["detail"] == detail
    assert job["finished_at"]
    assert "running" not in {step["state"] for step in job["steps"]}


def assert_nothing_left(left: Left, service: RunningService) -> None:
    """Snapshots, ledger rows and half packages of the jobs go, and a VM of theirs can be backed up again."""
    wait_for(lambda: left.vcenter.snapshots() == {}, what="the removal of the snapshots", explain=service.log)
    open_rows = "SELECT job FROM vmkops_snapshots WHERE removed_at IS NULL"
    wait_for(lambda: left.rows("vmkops", open_rows) == [], what="the end of the ledger rows", explain=service.log)
    wait_for(lambda: not [*left.data_dir.glob("backups/*/*.partial")], what="the removal of the half packages")
    assert act(service, "backup", vm=COPYING)["state"] == "succeeded"


def test_live_jobs_of_another_format_end_and_nothing_of_them_is_left(left: Left) -> None:
    firing = """INSERT INTO workflow_status (workflow_uuid, status, name, created_at, updated_at, application_version,
        executor_id, priority, schedule_name, application_name) VALUES ('sched', 'PENDING', 'vmkops.schedule', 1, 1,
        '1', 'local', 0, 'leap-day', 'vmkops')"""
    left.change("jobs", firing)
    left.change("jobs", "UPDATE workflow_status SET application_version = ?", OTHER_FORMAT)
    left.change("jobs", "UPDATE application_versions SET version_name = ?", OTHER_FORMAT)
    half = left.data_dir / "backups" / COPYING / f"{left.job_id('copying')}.partial"
    half.mkdir(parents=True)
    (half / "half.vmdk").write_bytes(b"half")

    with left.service() as service:
        for name in LIVE:
            assert_outdated(service.job(left.job_id(name)), f"{UNKNOWN_FORMAT} {AGAIN}")
        for name in ENDED:
            was = left.answered(name)
            assert as_before(service.job(left.job_id(name)), was) == was
        assert service.call("GET", "/jobs?live=true")[1]["jobs"] == []
        schedule = service.call("GET", "/schedules/leap-day")[1]
        assert schedule["last_problem"]["detail"] == f"{UNKNOWN_FORMAT} {AGAIN}"
        assert_nothing_left(left, service)


def test_jobs_whose_action_parameter_or_step_is_gone_end_and_nothing_of_them_is_left(left: Left) -> None:
    def ask(job: str, action: str, params: dict[str, Any]) -> None:
        inputs = pickled({"args": (action, params, "token:test"), "kwargs": {}})
        left.change("jobs", "UPDATE workflow_input SET inputs = ? WHERE workflow_uuid = ?", inputs, left.job_id(job))

    ask("copying", "defragment", {"vm": "moref:vm-1"})
    ask("failing", "backup", {"vm": "moref:vm-1", "gone": True})
    other_step = "UPDATE operation_outputs SET function_name = 'freeze' WHERE function_name = 'quiesce'"
    left.change("jobs", f"{other_step} AND workflow_uuid = ?", left.job_id("finishing"))

    with left.service() as service:
        no_action = f"This version of vmkops has no action 'defragment', so it cannot continue the job. {CHECK}."
        assert_outdated(service.ended(left.job_id("copying")), no_action)
        no_parameter = "The parameters of the job do not fit the action 'backup' of this version of vmkops (gone)."
        assert_outdated(service.ended(left.job_id("failing")), f"{no_parameter} {AGAIN}")
        no_step = "The recorded steps of the job do not fit the action 'backup' of this version."
        assert_outdated(service.ended(left.job_id("finishing")), f"{no_step} {AGAIN}")
        assert_nothing_left(left, service)


def test_job_of_another_format_is_left_to_processes_of_that_format_while_any_lives(tmp_path: Path) -> None:
    require("postgres")
    require("vcsim")
    with Postgres() as postgres, Vcsim() as vcenter, psycopg.connect(postgres.url, autocommit=True) as database:
        settings = vcenter_settings(vcenter) | {"VMKOPS_DATABASE_URL": postgres.url, "VMKOPS_REAP_SECONDS": "1"}
        put_disks(vcenter)
        vcenter.nfc(stall_after_bytes=1000)
        with RunningService(tmp_path, settings) as older:
            job_id = older.backup(COPYING)["id"]
            older.reading(job_id)
            older.kill()
        database.execute("UPDATE dbos.workflow_status SET application_version = %s", [OTHER_FORMAT])
        database.execute("UPDATE vmkops_executors SET job_format = %s, seen_at = 0", [OTHER_FORMAT])
        of_that_format = "INSERT INTO vmkops_executors (id, seen_at, job_format) VALUES ('another', %s, %s)"
        database.execute(of_that_format, [FAR_FUTURE, OTHER_FORMAT])

        def beat() -> object:
            return database.execute(
                "SELECT seen_at FROM vmkops_executors WHERE job_format <> %s", [OTHER_FORMAT]
            ).fetchall()

        with RunningService(tmp_path, settings, token=older.token) as service:
            first = wait_for(beat, what="the first beat", explain=service.log)
            wait_for(lambda: beat() != first, timeout=60, what="the next beat, and a look before", explain=service.log)
            assert service.job(job_id)["state"] == "running"
            left = database.execute("SELECT id FROM vmkops_executors WHERE job_format = %s", [OTHER_FORMAT]).fetchall()
            assert len(left) == 2

            database.execute("UPDATE vmkops_executors SET seen_at = 0 WHERE job_format = %s", [OTHER_FORMAT])

            assert_outdated(service.ended(job_id), f"{UNKNOWN_FORMAT} {AGAIN}")
            wait_for(lambda: vcenter.snapshots() == {}, what="the removal of the snapshot", explain=service.log)
