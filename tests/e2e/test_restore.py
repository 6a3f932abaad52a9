"""Restores from outside: a complete new VM from a package, powered off, or none."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.actions import act, checked
from tests.e2e.restores import VM, cards, names, start
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService

NETWORK = "DC0_DVPG0"
OTHER = "DC0_H0_VM1"


def test_restore_makes_a_new_vm_that_is_powered_off(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    job = service.ended(start(service, backup)["id"])

    assert job["state"] == "succeeded", job["error"]
    name = job["result"]["vm"]["name"]
    assert name == f"{VM}-restored-{job['id'][:8]}"
    made = vcenter.vm(name)
    assert made["power_state"] == "poweredOff"
    assert [disk["capacity"] for disk in made["disks"]] == [vcenter.vm(VM)["disks"][0]["capacity"]]
    assert job["progress"]["done"] == job["progress"]["total"] == backup["result"]["size"]
    assert vcenter.count("HttpNfcLeaseComplete") == 2
    assert vcenter.count("HttpNfcLeaseAbort") == 0


def flip_byte(package: Path) -> None:
    """Harm the middle of the disk, as a bad sector does."""
    disk = next(package.glob("*.vmdk"))
    with disk.open("r+b") as file:
        file.seek(disk.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 0xFF]))


def test_disk_that_was_changed_is_not_restored_and_nothing_stays(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    before = names(vcenter)
    flip_byte(Path(backup["result"]["package"]))

    job = service.ended(start(service, backup)["id"])

    assert job["state"] == "failed"
    assert job["error"]["type"] == "urn:vmkops:backup-damaged"
    assert "has changed since it was packed" in job["error"]["detail"]
    assert vcenter.count("HttpNfcLeaseAbort") == 1
    assert names(vcenter) == before


@pytest.mark.gives_back
def test_restore_never_overwrites_an_existing_vm(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    params = {"params": {"backup": backup["id"], "name": VM}}

    status, problem = service.call("POST", "/actions/restore", params)
    _, preview = service.call("POST", "/actions/restore/check", params)

    assert status == 409
    assert "never overwritten" in problem["detail"]
    assert preview["allowed"] is False
    assert [check["rule"] for check in preview["checks"] if check["severity"] == "refuse"] == ["name-taken"]
    assert vcenter.count("ImportVApp") == 0


def test_second_restore_under_the_same_name_is_refused_while_the_first_runs(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    second = service.ended(service.backup(VM)["id"])
    vcenter.fault("CreateImportSpec", delay_ms=3000, count=1)
    first = start(service, backup, name="twin")

    status, problem = service.call("POST", "/actions/restore", {"params": {"backup": second["id"], "name": "twin"}})

    assert status == 409
    assert f"restore (job {first['id']}) is under way" in problem["detail"]
    assert service.ended(first["id"])["state"] == "succeeded"


def test_restore_with_disconnected_networks_does_not_connect_the_cards_at_power_on(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    params = {"backup": backup["id"], "name": "isolated", "connect_networks": False}

    found = checked(service, "restore", **params)
    job = act(service, "restore", **params)

    assert "do not connect at power-on" in found["disconnected"]["message"]
    assert job["state"] == "succeeded", job["error"]
    assert [card.connectable.startConnected for card in cards(vcenter, "isolated")] == [False]
    assert [card.connectable.startConnected for card in cards(vcenter, VM)] == [True]


def test_network_that_is_gone_has_to_be_mapped(service: RunningService, vcenter: Vcsim, backup: dict[str, Any]) -> None:
    vcenter.change_object("DistributedVirtualPortgroup", NETWORK, {"name": "renamed"})

    status, problem = service.call("POST", "/actions/restore", {"params": {"backup": backup["id"]}})
    wrong = {"params": {"backup": backup["id"], "networks": {NETWORK: "nowhere"}}}
    wrong_status, wrong_problem = service.call("POST", "/actions/restore", wrong)
    job = service.ended(start(service, backup, networks={NETWORK: "VM Network"})["id"])

    assert status == 409
    assert f"no network {NETWORK}" in problem["detail"]
    assert "VM Network" in problem["detail"]
    assert wrong_status == 404
    assert "renamed" in wrong_problem["suggestions"]
    assert job["state"] == "succeeded", job["error"]
    assert job["result"]["networks"] == {NETWORK: "VM Network"}


def test_place_that_is_not_there_is_refused_with_what_there_is(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    for place in ("pool", "datastore", "folder"):
        params = {"params": {"backup": backup["id"], place: "nowhere"}}
        status, problem = service.call("POST", "/actions/restore", params)
        assert status == 404
        assert problem["suggestions"], problem

    job = service.ended(start(service, backup, pool="DC0_C0", name="elsewhere")["id"])
    assert job["state"] == "succeeded", job["error"]
    assert job["result"]["pool"] == "DC0_C0"
    assert "elsewhere" in names(vcenter)


@pytest.mark.gives_back
def test_cut_upload_fails_the_restore_and_nothing_stays(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    before = names(vcenter)
    vcenter.nfc(cut_after_bytes=5_000_000)

    job = service.ended(start(service, backup)["id"])

    assert job["state"] == "failed"
    assert "was interrupted" in job["error"]["detail"]
    assert names(vcenter) == before


@pytest.mark.gives_back
def test_cancelled_restore_leaves_nothing(service: RunningService, vcenter: Vcsim, backup: dict[str, Any]) -> None:
    before = names(vcenter)
    vcenter.nfc(bytes_per_second=2_000_000)
    job_id = start(service, backup)["id"]
    service.reading(job_id)
    assert len(names(vcenter)) == len(before) + 1

    service.call("POST", f"/jobs/{job_id}/cancel")

    assert service.ended(job_id)["state"] == "cancelled"
    assert vcenter.count("HttpNfcLeaseAbort") == 1
    assert names(vcenter) == before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_restore_that_is_interrupted_starts_again_with_one_vm(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any], number: signal.Signals
) -> None:
    before = names(vcenter)
    vcenter.nfc(bytes_per_second=2_000_000)
    job_id = start(service, backup)["id"]
    service.reading(job_id)

    service.kill(number)
    vcenter.reset_nfc()
    service.start()

    job = service.ended(job_id)
    assert job["state"] == "succeeded", job["error"]
    assert "started again" in job["steps"][1]["detail"]
    assert names(vcenter) - before == {job["result"]["vm"]["name"]}


def test_incomplete_vm_that_somebody_powered_on_is_reported_and_not_removed(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    vcenter.nfc(bytes_per_second=2_000_000)
    job_id = start(service, backup, name="half")["id"]
    service.reading(job_id)
    vcenter.change_vm("half", properties={"runtime.powerState": "poweredOn"})

    service.call("POST", f"/jobs/{job_id}/cancel")

    job = service.ended(job_id)
    assert job["state"] == "failed"
    assert "half is powered on, so it was not removed" in job["error"]["detail"]
    assert "half" in names(vcenter)


def test_damaged_backup_is_refused(service: RunningService, vcenter: Vcsim, backup: dict[str, Any]) -> None:
    package = Path(backup["result"]["package"])
    record = {"verdict": "damaged", "verified_at": "2026-01-01T00:00:00Z", "verified_by": "x", "job": "y"}
    (package / "verified.json").write_text(json.dumps({**record, "problems": ["The disk was changed."]}))

    status, problem = service.call("POST", "/actions/restore", {"params": {"backup": backup["id"]}})

    assert status == 409
    assert "The disk was changed." in problem["detail"]
    assert vcenter.count("CreateImportSpec") == 0


@pytest.mark.gives_back
@pytest.mark.parametrize(
    ("method", "how", "words"),
    [
        ("CreateImportSpec", {"fault": "InvalidDatastore"}, "InvalidDatastore"),
        ("ImportVApp", {"fault": "InsufficientResourcesFault"}, "InsufficientResourcesFault"),
        ("HttpNfcLeaseGetManifest", {"fault": "FileFault", "fields": {"file": "x"}}, "FileFault"),
        ("HttpNfcLeaseComplete", {"fault": "SystemError", "fields": {"reason": "x"}}, "SystemError"),
    ],
)
def test_vcenter_that_fails_in_the_middle_leaves_nothing(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any], method: str, how: dict[str, Any], words: str
) -> None:
    before = names(vcenter)
    vcenter.fault(method, count=1, **how)

    job = service.ended(start(service, backup)["id"])

    assert job["state"] == "failed"
    assert words in job["error"]["detail"]
    assert names(vcenter) == before


def test_answer_that_is_lost_costs_the_incomplete_vm_and_no_more(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    before = names(vcenter)
    vcenter.fault("ImportVApp", count=1, lose_answer=True)

    job = service.ended(start(service, backup)["id"])

    assert job["state"] == "succeeded", job
    assert names(vcenter) - before == {job["result"]["vm"]["name"]}


def test_session_that_expires_while_sending_leaves_nothing(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    before = names(vcenter)
    vcenter.nfc(bytes_per_second=4_000_000)
    job_id = start(service, backup)["id"]
    service.reading(job_id)

    vcenter.expire_sessions()
    vcenter.reset_nfc()

    job = service.ended(job_id)
    assert job["state"] in ("succeeded", "failed")
    assert len(names(vcenter) - before) == (1 if job["state"] == "succeeded" else 0)


def test_incomplete_vm_that_cannot_be_removed_is_reported(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    vcenter.nfc(cut_after_bytes=5_000_000)
    vcenter.fault("Destroy_Task", "InvalidState")

    job = service.ended(start(service, backup, name="half")["id"])

    assert job["state"] == "failed"
    assert "was interrupted" in job["error"]["detail"]
    assert "the incomplete VM could not be removed" in job["error"]["detail"]
    assert "half" in names(vcenter)


def copy_databases(source: Path, target: Path) -> None:
    """Copy the databases of a data directory, as a backup program does while the service runs."""
    for file in source.glob("*.sqlite"):
        with (
            contextlib.closing(sqlite3.connect(file)) as one,
            contextlib.closing(sqlite3.connect(target / file.name)) as to,
        ):
            one.backup(to)


def test_complete_vm_stays_when_an_older_copy_of_the_databases_is_put_back(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    vcenter.fault("ImportVApp", hold="call", count=1)
    job_id = start(service, backup, name="productive")["id"]
    wait_for(lambda: vcenter.faults()[0]["acted"], what="the step of the copy", explain=service.log)
    copy_databases(service.data_dir, copy)
    vcenter.clear_faults()
    assert service.ended(job_id)["state"] == "succeeded"
    made = vcenter.vm("productive")["moref"]

    service.kill()
    for file in service.data_dir.glob("*.sqlite-*"):
        file.unlink()
    copy_databases(copy, service.data_dir)
    service.start()
    assert service.ended(job_id)["state"] == "failed"
    service.kill()
    service.start()  # and sweeps

    assert act(service, "power-on", vm="productive")["state"] == "succeeded"
    assert vcenter.vm("productive")["moref"] == made
    assert vcenter.count("Destroy_Task") == 0


def half_made(service: RunningService, vcenter: Vcsim, backup: dict[str, Any]) -> dict[str, Any]:
    """A restore that failed and could not remove its VM `half`."""
    vcenter.nfc(cut_after_bytes=5_000_000)
    vcenter.fault("Destroy_Task", "NoPermission")
    job = service.ended(start(service, backup, name="half")["id"])
    assert job["state"] == "failed", job
    assert "half" in names(vcenter)
    return job


def left(service: RunningService) -> list[dict[str, str]]:
    """The half-made VMs that /readyz tells of."""
    return list(service.call("GET", "/readyz")[1]["parts"]["ledger"]["vms_left"])


def test_incomplete_vm_is_reported_and_removed_when_it_can_be_and_no_other_is(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    job = half_made(service, vcenter, backup)
    for vm, of in ((VM, backup["id"]), (OTHER, "0123456789abcdef")):
        vcenter.change_vm(vm, properties={"config.annotation": f"vmkops restore {of}"})
        act(service, "power-off", vm=vm)
    service.kill()
    service.start()
    reported = wait_for(lambda: left(service), what="the report", explain=service.log)
    assert [(vm["vm"], vm["job"], vm["since"]) for vm in reported] == [("half", job["id"], job["finished_at"])]

    vcenter.clear_faults()
    service.kill()
    service.start()

    wait_for(lambda: "half" not in names(vcenter), what="its removal", explain=service.log)
    assert {VM, OTHER} <= names(vcenter)


def test_incomplete_vm_that_somebody_uses_is_reported_and_stays(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    half_made(service, vcenter, backup)
    vcenter.change_vm("half", properties={"runtime.powerState": "poweredOn"})
    vcenter.clear_faults()
    service.kill()
    service.start()

    (reported,) = wait_for(lambda: left(service), what="the report", explain=service.log)

    assert "It is powered on, so somebody uses it." in reported["trouble"]
    assert "half" in names(vcenter)
