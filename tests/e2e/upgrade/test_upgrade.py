"""The service starts on a data directory that an older version left: its jobs go on, and all else is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from knowledge.procedure_store.templates import template
from tests.e2e.actions import act
from tests.e2e.upgrade.conftest import Left, as_before, leaving
from tests.e2e.upgrade.record import (
    COPYING,
    ENDED,
    FAILING,
    FINISHING,
    KEPT,
    LIVE,
    QUEUED,
    RESTORED,
    STOPPING,
)
from tests.running_service import RunningService

BEFORE_THE_COPY = ["quiesce", "snapshot", "unquiesce", "mount"]
Upgraded = tuple[Left, RunningService]


@pytest.fixture(scope="module")
def upgraded(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    """What was left, and this version once the jobs have ended that were live."""
    with leaving(recording, tmp_path_factory.mktemp("upgraded") / "data") as left, left.service() as service:
        for name in LIVE:
            service.ended(left.job_id(name))
        yield left, service


def steps(job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in job["steps"]}


def assert_not_repeated(left: Left, job: dict[str, Any], name: str, *names: str) -> None:
    """These steps of the job show as the older version recorded them."""
    recorded = steps(left.answered(name))
    assert {each: steps(job)[each] for each in names} == {each: recorded[each] for each in names}


def test_interrupted_backup_goes_on_with_the_snapshot_that_it_took(upgraded: Upgraded) -> None:
    left, service = upgraded

    job = service.job(left.job_id("copying"))

    assert job["state"] == "succeeded", job["error"]
    assert_not_repeated(left, job, "copying", *BEFORE_THE_COPY)
    assert left.vcenter.done("CreateSnapshot_Task", COPYING) == 0
    assert left.vcenter.done("RemoveSnapshot_Task", COPYING) == 1
    assert act(service, "verify-backup", backup=job["id"])["result"]["verdict"] == "good"


def test_job_that_cleaned_up_after_a_failure_ends_with_the_recorded_reason(upgraded: Upgraded) -> None:
    left, service = upgraded

    job = service.job(left.job_id("failing"))

    assert job["state"] == "failed"
    assert job["error"]["type"] == "urn:vmkops:vsphere-refused"
    assert job["error"]["detail"] == steps(left.answered("failing"))["mount"]["detail"]
    assert_not_repeated(left, job, "failing", *BEFORE_THE_COPY, "unmount")
    assert steps(job)["remove snapshot"]["detail"] == "removed"
    assert left.vcenter.done("CreateSnapshot_Task", FAILING) == 0


def test_backup_that_had_its_package_only_removes_the_snapshot(upgraded: Upgraded) -> None:
    left, service = upgraded

    job = service.job(left.job_id("finishing"))

    assert job["state"] == "succeeded", job["error"]
    assert_not_repeated(left, job, "finishing", *BEFORE_THE_COPY, "back up", "unmount")
    assert left.vcenter.done("ExportSnapshot", FINISHING) == 0
    assert left.vcenter.done("RemoveSnapshot_Task", FINISHING) == 1
    assert Path(job["result"]["package"]).is_relative_to(left.data_dir)
    assert act(service, "verify-backup", backup=job["id"])["result"]["verdict"] == "good"


def test_interrupted_restore_makes_its_vm(upgraded: Upgraded) -> None:
    left, service = upgraded

    job = service.job(left.job_id("restoring"))

    assert job["state"] == "succeeded", job["error"]
    assert_not_repeated(left, job, "restoring", "read the package")
    assert left.vcenter.vm(RESTORED)["power_state"] == "poweredOff"
    assert left.vcenter.done("ImportVApp") == 1


def test_interrupted_host_action_is_carried_out_once(upgraded: Upgraded) -> None:
    left, service = upgraded

    job = service.job(left.job_id("stopping"))

    assert job["state"] == "succeeded", job["error"]
    assert_not_repeated(left, job, "stopping", "check")
    assert left.vcenter.done("PowerOffVM_Task", STOPPING) == 1


def test_queued_jobs_run(upgraded: Upgraded) -> None:
    left, service = upgraded

    backup, reset = service.job(left.job_id("queued")), service.job(left.job_id("reset"))

    assert backup["state"] == "succeeded", backup["error"]
    assert backup["target"] == QUEUED
    assert act(service, "verify-backup", backup=backup["id"])["result"]["verdict"] == "good"
    assert reset["state"] == "succeeded", reset["error"]
    assert left.vcenter.done("ResetVM_Task", KEPT) == 1


@pytest.mark.parametrize("name", ENDED)
def test_ended_jobs_show_as_before(upgraded: Upgraded, name: str) -> None:
    left, service = upgraded

    job = service.job(left.job_id(name))

    was = left.answered(name)
    assert as_before(job, was) == was
    assert job in service.call("GET", "/jobs?live=false")[1]["jobs"]


def test_nothing_of_the_jobs_is_left_behind(upgraded: Upgraded) -> None:
    left, service = upgraded

    assert service.call("GET", "/jobs?live=true")[1]["jobs"] == []
    assert left.vcenter.snapshots() == {}
    taken = {left.job_id(name) for name in ("succeeded", "cancelled", "copying", "failing", "finishing", "queued")}
    assert {job for (job,) in left.rows("vmkops", "SELECT job FROM vmkops_snapshots")} == taken
    assert left.rows("vmkops", "SELECT job FROM vmkops_snapshots WHERE removed_at IS NULL") == []
    assert left.rows("vmkops", "SELECT * FROM vmkops_turns") == []
    assert list(left.data_dir.glob("backups/*/*.partial")) == []


def test_schedule_checklist_run_and_kept_backup_are_as_before(upgraded: Upgraded) -> None:
    left, service = upgraded
    kept = next(each for each in left.before["answers"]["/backups"]["backups"] if each["verified"])

    found = {path: service.call("GET", path)[1] for path in left.before["answers"]}
    backups = {backup["id"]: backup for backup in found["/backups"]["backups"]}

    for path, was in left.before["answers"].items():
        if path.startswith(("/schedules/", "/p2v/runs/")):
            assert as_before(found[path], was) == was
    assert as_before(backups[kept["id"]], kept) == kept
    assert act(service, "verify-backup", backup=kept["id"])["result"]["verdict"] == "good"


def test_runs_of_procedures_start_on_the_old_data(upgraded: Upgraded) -> None:
    left, service = upgraded
    (checklist_run,) = [path for path in left.before["answers"] if path.startswith("/p2v/runs/")]

    status, run = service.call("POST", "/procedures/snapshot-left-behind/runs", {"vm": KEPT})
    _, ticked = service.call("PATCH", f"/runs/{run['id']}/items/step-1", {"state": "done"})
    _, before = service.call("GET", checklist_run)
    _, after = service.call("PATCH", f"{checklist_run}/items/{before['progress']['next']}", {"state": "done"})

    assert status == 201
    assert ticked["progress"]["done"] == 1
    listed = {each["path"] for each in service.call("GET", "/runs")[1]["runs"]}
    assert listed == {f"/runs/{run['id']}", checklist_run}
    assert after["progress"]["done"] == before["progress"]["done"] + 1


def test_edits_of_pages_are_kept_on_the_old_data(recording: Path, tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    settings = {"VMKOPS_PROCEDURES_DIR": str(pages)}
    with leaving(recording, tmp_path / "data") as left, left.service(settings) as service:
        text = template("failure")
        assert service.call("PUT", "/procedures/broken-thing", {"text": text})[0] == 200
        (version,) = service.call("GET", "/procedures/broken-thing/history")[1]["versions"]

    assert (version["change"], version["token"]) == ("created", "test")


def test_token_holds(upgraded: Upgraded) -> None:
    left, service = upgraded

    assert service.call("GET", "/jobs", token=left.before["token"])[0] == 200
    assert service.call("GET", "/jobs", token="vmkops_another")[0] == 401


def test_interrupted_backup_whose_snapshot_was_removed_meanwhile_fails_and_leaves_nothing(
    recording: Path, tmp_path: Path
) -> None:
    with leaving(recording, tmp_path / "data", snapshots=False) as left, left.service() as service:
        job = service.ended(left.job_id("copying"))

        assert job["state"] == "failed"
        assert job["error"]["type"] == "urn:vmkops:not-found"
        assert job["error"]["detail"] == "The object no longer exists in vCenter; somebody removed it meanwhile."
        assert steps(job)["remove snapshot"]["detail"] == "there was no snapshot to remove"
        assert left.vcenter.done("CreateSnapshot_Task", COPYING) == 0
        assert [each["id"] for each in service.call("GET", f"/backups?vm={COPYING}")[1]["backups"]] == []
        ledger = f"SELECT removed_at IS NOT NULL FROM vmkops_snapshots WHERE job = '{job['id']}'"
        assert left.rows("vmkops", ledger) == [(1,)]
