"""Schedules from outside: kept, fired by the clock as jobs, and refused with what is wrong."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.kept_packages import keep_package
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, make_token

EVERY_SECOND = "* * * * * *"
NIGHTLY = {"action": "prune-backups", "params": {"last": 2}, "cron": "30 2 * * *"}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    """A service without a vCenter, and one kept backup."""
    keep_package(tmp_path / "data" / "backups", "a1", datetime(2026, 1, 1, tzinfo=UTC))
    with RunningService(tmp_path / "data", {"VMKOPS_SCHEDULE_SECONDS": "1"}) as running:
        yield running


def put(service: RunningService, name: str, **changes: Any) -> tuple[int, Any]:
    return service.call("PUT", f"/schedules/{name}", {**NIGHTLY, **changes})


def fired(service: RunningService, name: str) -> dict[str, Any]:
    """The schedule when it has fired."""

    def look() -> dict[str, Any] | None:
        schedule = service.call("GET", f"/schedules/{name}")[1]
        return schedule if schedule["last_job"] or schedule["last_problem"] else None

    found = wait_for(look, timeout=60, what=f"the schedule {name} to fire", explain=service.log)
    assert found is not None
    return found


def test_schedule_is_kept_changed_and_taken_away(service: RunningService) -> None:
    status, made = put(service, "nightly", timezone="Europe/Berlin")
    _, changed = put(service, "nightly", cron="0 4 * * 0")
    service.kill()
    service.start()
    _, listed = service.call("GET", "/schedules")

    assert status == 200, made
    assert (made["cron"], made["timezone"], made["created_by"]) == ("30 2 * * *", "Europe/Berlin", "token:test")
    assert datetime.fromisoformat(made["next_at"]) > datetime.now(UTC)
    assert (made["replaced"], changed["replaced"], changed["cron"]) == (False, True, "0 4 * * 0")
    assert [each["cron"] for each in listed["schedules"]] == ["0 4 * * 0"]
    wrong = service.call("GET", "/schedules/nigthly")[1]
    assert (wrong["suggestions"], "Did you mean nightly?" in wrong["detail"]) == (["nightly"], True)
    for words in (["preview", "nigthly"], ["nigthly"]):
        done = service.run("schedules", *words)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "vmkops schedules: There is no schedule 'nigthly'. Did you mean nightly?\n"
    assert "There is a subcommand, too: vmkops schedules remove" in service.run("schedules", "remov").stderr
    assert service.delete("/schedules/nightly") == 204
    assert service.call("GET", "/schedules/nightly")[0] == 404


def test_schedule_fires_a_job_by_the_clock(service: RunningService) -> None:
    put(service, "often", cron=EVERY_SECOND)

    schedule = fired(service, "often")

    job = service.ended(schedule["last_job"])
    assert job["state"] == "succeeded", job["error"]
    assert job["requested_by"] == "schedule:often"
    assert job["action"] == "prune-backups"
    assert schedule["last_at"] is not None


def test_firing_that_was_missed_is_caught_up_once(service: RunningService) -> None:
    due = datetime.now(UTC) + timedelta(seconds=3)
    put(service, "yearly", cron=f"{due.second} {due.minute} {due.hour} {due.day} {due.month} *")
    service.kill()
    assert datetime.now(UTC) < due
    wait_for(lambda: datetime.now(UTC) > due, timeout=60, what="the time of the schedule")

    service.start()

    assert service.ended(fired(service, "yearly")["last_job"])["state"] == "succeeded"
    service.kill()
    service.start()
    assert len(service.call("GET", "/jobs")[1]["jobs"]) == 1


def test_schedule_says_by_how_much_its_last_firing_was_late(service: RunningService) -> None:
    due = datetime.now(UTC) - timedelta(minutes=30)
    put(service, "yearly", cron=f"{due.minute} {due.hour} {due.day} {due.month} *")
    service.kill()
    with closing(sqlite3.connect(service.data_dir / "jobs.sqlite")) as database:  # as if it was saved a day ago
        (context,) = database.execute("SELECT context FROM workflow_schedules").fetchone()
        (saved,) = re.findall(r'"changed_at": ?"([^"]+)"', context)
        earlier = (datetime.fromisoformat(saved) - timedelta(days=1)).isoformat()
        database.execute("UPDATE workflow_schedules SET context = ?", [context.replace(saved, earlier)])
        database.commit()

    service.start()

    late = fired(service, "yearly")["last_late_seconds"]
    assert 30 * 60 <= late <= 45 * 60
    assert " late" in service.run("schedules", "show", "yearly").stdout


def test_paused_schedule_starts_nothing_until_it_is_resumed(service: RunningService) -> None:
    put(service, "often", cron=EVERY_SECOND)
    fired(service, "often")

    paused = service.run("schedules", "pause", "often")
    once = service.run("schedules", "run", "often")
    service.kill()
    service.start()
    before = service.call("GET", "/schedules/often")[1]
    resumed = service.run("schedules", "resume", "often", "--json")

    assert "paused      token:test paused it at 20" in paused.stdout
    assert "`vmkops schedules resume often` lets it fire again." in before["paused"]
    assert once.returncode == 0, once.stderr
    # The last firing may still be under way.
    assert re.search("^(job [0-9a-f]+: |Nothing was started: job )", once.stderr), once.stderr
    assert re.search("(This one run starts all the same|That job goes on), and the schedule stays paused.", once.stderr)
    assert json.loads(resumed.stdout)["paused"] == ""
    wait_for(
        lambda: service.call("GET", "/schedules/often")[1]["last_at"] > before["last_at"],
        timeout=60,
        what="a firing after the pause",
    )


def test_report_that_no_bot_takes_is_shown_with_its_schedule_and_by_the_doctor(service: RunningService) -> None:
    put(service, "often", cron="0 3 1 1 *")
    row = ("fire1", "#ops", "often", "The window is closed.", (datetime.now(UTC) - timedelta(hours=1)).isoformat())
    with closing(sqlite3.connect(service.data_dir / "vmkops.sqlite")) as database, database:
        database.execute(
            "INSERT INTO vmkops_reports (id, channel, schedule, problem, created_at) VALUES (?,?,?,?,?)", row
        )

    shown, doctor = service.run("schedules", "show", "often"), service.run("doctor")

    waits = "1 report for Slack waits since 20"
    assert f"reports     {waits}" in shown.stdout
    assert f"reports    warning: {waits}" in doctor.stdout
    assert "no bot takes them" in doctor.stdout


def test_firing_that_can_make_no_job_says_why(service: RunningService) -> None:
    gone = {"action": "verify-backup", "params": {"backup": "newest:gone"}}
    status, refused = put(service, "often", cron=EVERY_SECOND, **gone)
    assert (status, "There is no backup of a VM 'gone'" in refused["detail"]) == (404, True)
    assert put(service, "often", cron=EVERY_SECOND, **gone, allow_missing=True)[0] == 200

    schedule = fired(service, "often")

    assert schedule["last_job"] is None
    assert "no backup of a VM 'gone'" in schedule["last_problem"]["detail"]
    assert service.call("GET", "/jobs")[1]["jobs"] == []


def test_schedule_of_a_revoked_token_is_paused_until_it_is_saved_with_another(service: RunningService) -> None:
    maker = make_token(service.environment, "operate", "maker")
    admin = make_token(service.environment, "admin", "auditor")
    body = NIGHTLY | {"cron": EVERY_SECOND}
    assert service.call("PUT", "/schedules/often", body, token=maker)[0] == 200
    service.ended(fired(service, "often")["last_job"])
    assert service.run("token", "revoke", "maker").returncode == 0

    def refused() -> dict[str, Any] | None:
        schedule = service.call("GET", "/schedules/often")[1]
        return schedule if schedule["last_problem"] else None

    paused = wait_for(refused, timeout=60, what="a firing that is refused", explain=service.log)
    assert paused is not None
    assert "'maker' was revoked on 20" in paused["paused"]
    assert paused["last_problem"]["type"] == "urn:vmkops:not-allowed"
    wait_for(lambda: service.call("GET", "/schedules/often")[1]["last_at"] > paused["last_at"], what="another firing")
    events = service.call("GET", "/audit?event=schedule.paused", token=admin)[1]["entries"]
    assert [(each["token"], each["details"]["name"]) for each in events] == [("maker", "often")]

    _, saved = put(service, "often", cron=EVERY_SECOND)
    assert (saved["paused"], saved["token"]) == ("", "test")
    wait_for(lambda: service.call("GET", "/schedules/often")[1]["last_job"], timeout=60, what="the next job")


@pytest.mark.parametrize(
    "cron",
    ["* * * * *", "* * * * * *", "*/4 * * * *", "0,4 3 * * *", "59,0 0,23 * * *", "0 0,1 0 1 1 *", "0,1 0 0 29 2 *"],
)
def test_schedule_that_fires_too_often_is_refused(plain_service: RunningService, cron: str) -> None:
    status, problem = put(plain_service, "often", cron=cron)

    assert (status, problem["type"]) == (400, "urn:vmkops:invalid-params")
    assert "within 300 seconds" in problem["detail"]
    assert "VMKOPS_SCHEDULE_SECONDS" in problem["detail"]


def test_schedules_five_minutes_apart_are_taken(tmp_path: Path) -> None:
    with RunningService(tmp_path) as service:
        for cron in ("*/5 * * * *", "0 */5 * * * *", "0 3 * * *", "0 0 29 2 *", "55 23 31 12 *"):
            assert put(service, "calm", cron=cron)[0] == 200, cron


def test_old_jobs_and_their_keys_are_removed_and_younger_ones_stay(service: RunningService) -> None:
    admin = make_token(service.environment, "admin", "auditor")
    started = {}
    for age in ("old", "young"):
        _, job = service.call(
            "POST", "/actions/prune-backups", {"params": {"last": 2}}, headers={"Idempotency-Key": age}
        )
        started[age] = service.ended(job["id"])["id"]
    service.kill()
    with closing(sqlite3.connect(service.data_dir / "jobs.sqlite")) as database:
        change = "UPDATE workflow_status SET completed_at = completed_at - 401 * 86400000 WHERE workflow_uuid = ?"
        assert database.execute(change, [started["old"]]).rowcount == 1
        database.commit()
    service.start()

    wait_for(lambda: service.call("GET", f"/jobs/{started['old']}")[0] == 404, what="the removal", explain=service.log)

    assert service.job(started["young"])["state"] == "succeeded"
    # The line of the audit is the last thing that the removal does.
    removed = wait_for(
        lambda: service.call("GET", "/audit?event=jobs.removed", token=admin)[1]["entries"], what="the audit line"
    )
    assert [each["details"]["count"] for each in removed] == ["1"]
    with closing(sqlite3.connect(service.data_dir / "vmkops.sqlite")) as database:
        assert database.execute("SELECT job FROM vmkops_idempotency_keys").fetchall() == [(started["young"],)]
    with closing(sqlite3.connect(service.data_dir / "jobs.sqlite")) as database:
        for table in ("workflow_input", "workflow_output", "operation_outputs", "workflow_status"):
            rows = database.execute(f"SELECT count(*) FROM {table} WHERE workflow_uuid = ?", [started["old"]])
            assert rows.fetchone() == (0,), table


@pytest.mark.parametrize(
    ("cron", "wrong"),
    [
        ("61 * * * *", "61"),
        ("* * * *", "has 4 fields"),
        ("every night", "has 2 fields"),
        ("a b c d e", "cannot be used"),
        ("0 0 31 2 *", "cannot be used"),
    ],
)
def test_bad_cron_expression_is_refused_with_what_is_wrong(
    plain_service: RunningService, cron: str, wrong: str
) -> None:
    status, problem = put(plain_service, "nightly", cron=cron)

    assert status == 400
    assert wrong in problem["detail"]
    assert "minute hour day month weekday" in problem["detail"]


@pytest.mark.parametrize(
    ("name", "changes", "status"),
    [
        ("UPPER", {}, 400),
        ("nightly", {"timezone": "Europe/Brelin"}, 400),
        ("nightly", {"action": "explode"}, 404),
        ("nightly", {"params": {"last": 0}}, 400),
        ("nightly", {"params": {"unknown": 1}}, 400),
    ],
)
def test_schedule_that_could_never_work_is_refused(
    plain_service: RunningService, name: str, changes: dict[str, Any], status: int
) -> None:
    answered, problem = put(plain_service, name, **changes)
    assert answered == status
    if "timezone" in changes:
        assert problem["detail"] == "There is no time zone 'Europe/Brelin'. Did you mean Europe/Berlin?"
    assert plain_service.call("GET", "/schedules")[1]["schedules"] == []
