"""Backups from outside: listed, verified, found to be damaged, pruned, and reported when there is none."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.backups.lock import locked
from tests.e2e.conftest import VM
from tests.kept_packages import keep_package
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService

NOW = datetime.now(UTC)


def act(service: RunningService, action: str, **params: Any) -> dict[str, Any]:
    """Start an action and wait for its end."""
    status, job = service.call("POST", f"/actions/{action}", {"params": params})
    assert status == 202, job
    return service.ended(job["id"])


def page(service: RunningService, path: str, accept: str) -> str:
    request = urllib.request.Request(
        service.url + path, headers={"Authorization": f"Bearer {service.token}", "Accept": accept}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(answer.read().decode())


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service without a vCenter."""
    with RunningService(tmp_path_factory.mktemp("keeper")) as running:
        yield running


@pytest.fixture
def shelf(keeper: RunningService) -> RunningService:
    """The same service with nothing kept."""
    shutil.rmtree(keeper.data_dir / "backups", ignore_errors=True)
    return keeper


def test_backup_is_listed_verified_and_shown(service: RunningService, vcenter: Vcsim) -> None:
    made = service.ended(service.backup(VM)["id"])

    _, before = service.call("GET", f"/backups/{made['id']}")
    job = act(service, "verify-backup", backup=made["id"])
    _, after = service.call("GET", f"/backups/{made['id']}")

    assert before["state"] == "unverified"
    assert before["path"] == made["result"]["package"]
    assert before["disks"][0]["sha256"] == made["result"]["disks"][0]["sha256"]
    assert job["state"] == "succeeded", job
    assert [step["state"] for step in job["steps"]] == ["succeeded"] * 3
    assert after["state"] == "verified"
    assert after["verified"]["verified_by"] == "token:test"
    assert after["verified"]["job"] == job["id"]
    _, listed = service.call("GET", f"/backups?vm={VM}")
    assert [kept["id"] for kept in listed["backups"]] == [made["id"]]
    assert made["id"] in page(service, "/backups", "text/plain")
    assert after["disks"][0]["sha256"] in page(service, f"/backups/{made['id']}", "text/html")
    assert act(service, "verify-backup", backup=f"newest:{VM}")["state"] == "succeeded"
    assert made["id"] in page(service, "/backups", "text/html")


def test_flipped_byte_fails_the_verification_and_is_kept(shelf: RunningService) -> None:
    folder = keep_package(shelf.data_dir / "backups", "a1", NOW)
    (folder / "web-disk-0.vmdk").write_bytes(b"Not really a disk")

    job = act(shelf, "verify-backup", backup="a1")

    assert job["state"] == "failed"
    assert job["error"]["type"] == "urn:vmkops:backup-damaged"
    assert "web-disk-0.vmdk was changed" in job["error"]["detail"]
    _, kept = shelf.call("GET", "/backups/a1")
    assert kept["state"] == "damaged"
    assert kept["verified"]["verdict"] == json.loads((folder / "verified.json").read_text())["verdict"] == "damaged"


def test_descriptor_that_leads_nowhere_fails_the_verification(shelf: RunningService) -> None:
    folder = keep_package(shelf.data_dir / "backups", "a1", NOW)
    descriptor = folder / "web.ovf"
    descriptor.write_text(descriptor.read_text().replace('fileRef="file1"', 'fileRef="file9"'))

    job = act(shelf, "verify-backup", backup="a1")

    assert job["state"] == "failed"
    assert "web.ovf was changed" in job["error"]["detail"]
    assert "file9" in job["error"]["detail"]


def test_broken_backup_is_refused_before_a_job_starts(shelf: RunningService) -> None:
    (keep_package(shelf.data_dir / "backups", "a1", NOW) / "web.mf").unlink()

    status, problem = shelf.call("POST", "/actions/verify-backup", {"params": {"backup": "a1"}})

    assert status == 409
    assert "no manifest" in problem["detail"]


def test_unknown_backup_is_not_found(shelf: RunningService) -> None:
    assert shelf.call("GET", "/backups/nothing")[0] == 404
    assert shelf.call("POST", "/actions/verify-backup", {"params": {"backup": "nothing"}})[0] == 404


def test_report_names_the_vms_without_a_fresh_backup(service: RunningService, vcenter: Vcsim) -> None:
    service.ended(service.backup(VM)["id"])
    others = {vm["name"] for vm in vcenter.vms()} - {VM}

    _, report = service.call("GET", "/backups/freshness?older_than=1h")

    assert {each["vm"] for each in report["stale"]} == others
    assert report["vms_checked"] == len(others) + 1
    assert {each["reason"] for each in report["stale"]} == {"It has no backup here."}
    assert service.call("GET", "/backups/freshness?older_than=soon")[0] == 400
    for form in ("text/html", "text/plain"):
        assert "DC0_H0_VM1" in page(service, "/backups/freshness", form)


def keep_days(service: RunningService, *ages: int, verdict: str | None = "good") -> dict[int, Path]:
    """A package of each age in days."""
    folder = service.data_dir / "backups"
    return {age: keep_package(folder, f"day{age}", NOW - timedelta(days=age), verdict=verdict) for age in ages}


POLICY = {"last": 1, "daily": 2, "weekly": 0, "monthly": 0}


def test_dry_run_of_pruning_shows_what_goes_and_why_the_others_stay(shelf: RunningService) -> None:
    folders = keep_days(shelf, 1, 2, 3)

    status, preview = shelf.call("POST", "/actions/prune-backups/check", {"params": POLICY})

    assert status == 200
    assert preview["allowed"] is True
    found = {check["message"].split()[1]: (check["rule"], check["message"]) for check in preview["checks"]}
    assert {name: rule for name, (rule, _) in found.items()} == {
        "day1": "backup-stays",
        "day2": "backup-stays",
        "day3": "backup-goes",
    }
    assert "last 1 of 1; daily 1 of 2" in found["day1"][1]
    assert all(folder.is_dir() for folder in folders.values())


def test_pruning_removes_what_the_policy_does_not_keep(shelf: RunningService) -> None:
    folders = keep_days(shelf, 1, 2, 3, 4)
    half_removed = keep_package(shelf.data_dir / "backups", "day9.deleted", NOW)

    job = act(shelf, "prune-backups", **POLICY)

    assert job["state"] == "succeeded", job["error"]
    assert sorted(job["result"]["removed"]) == ["day3", "day4"]
    assert job["result"]["freed"] > 0
    assert {age for age, folder in folders.items() if folder.exists()} == {1, 2}
    assert not half_removed.exists()
    assert not list(shelf.data_dir.rglob("*.deleted"))


def test_pruning_never_removes_the_last_good_copy(shelf: RunningService) -> None:
    keep_days(shelf, 1, 2, verdict="damaged")
    keep_days(shelf, 3, verdict=None)
    folders = keep_days(shelf, 4)

    job = act(shelf, "prune-backups", last=1, daily=0, weekly=0, monthly=0)

    assert job["result"]["removed"] == []
    assert folders[4].is_dir()


def test_backup_that_is_being_read_is_not_pruned(shelf: RunningService) -> None:
    folders = keep_days(shelf, 1, 2)

    with locked(folders[2]):
        job = act(shelf, "prune-backups", last=1, daily=0, weekly=0, monthly=0)

    assert job["state"] == "succeeded"
    assert job["result"]["kept_after_all"] == ["day2"]
    assert "in use" in job["steps"][1]["detail"]
    assert folders[2].is_dir()


def test_name_that_two_vms_have_is_refused_with_candidates_that_can_be_typed(shelf: RunningService) -> None:
    folder = shelf.data_dir / "backups"
    for age in (1, 2, 3):
        for moref in ("vm-7", "vm-8"):
            identity = {"moref": moref, "uuid": f"uuid-of-{moref}"}
            keep_package(folder, f"{moref}-{age}", NOW - timedelta(days=age), verdict="good", identity=identity)
    pruning = {"vm": "web", "last": 1, "daily": 0, "weekly": 0, "monthly": 0}

    status, problem = shelf.call("POST", "/actions/prune-backups", {"params": pruning})
    shown, by_name = shelf.call("GET", "/backups/newest:web")

    assert (status, shown) == (409, 409)
    assert problem["suggestions"] == ["moref:vm-8", "moref:vm-7"]
    assert shelf.call("GET", f"/backups/{by_name['suggestions'][1]}")[1]["id"] == "vm-7-1"
    job = act(shelf, "prune-backups", **{**pruning, "vm": problem["suggestions"][0]})
    assert sorted(job["result"]["removed"]) == ["vm-8-2", "vm-8-3"]
    assert len(list((folder / "web").iterdir())) == 4
