"""Whatever dies, the job goes on: the process is killed in the middle of a copy and started again."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.e2e.conftest import VM
from tests.e2e.test_backup import verify
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_backup_goes_on_after_the_service_died_while_copying(
    service: RunningService, vcenter: Vcsim, number: signal.Signals
) -> None:
    vcenter.nfc(bytes_per_second=3_000_000)
    job_id = service.backup(VM)["id"]
    service.reading(job_id, 3_000_000)

    service.kill(number)
    vcenter.reset_nfc()
    assert len(vcenter.snapshots()[VM]) == 1
    service.start()

    job = service.ended(job_id)
    assert job["state"] == "succeeded", job
    assert vcenter.count("CreateSnapshot_Task") == 1
    assert vcenter.snapshots() == {}
    package = Path(job["result"]["package"])
    verify(package)
    assert [item.name for item in package.parent.iterdir()] == [package.name]


def test_backup_that_fails_after_a_restart_gives_up_the_lease_of_the_dead_process(
    service: RunningService, vcenter: Vcsim
) -> None:
    vcenter.fault("CreateDescriptor", delay_ms=5000)
    job_id = service.backup(VM)["id"]
    while vcenter.count("CreateDescriptor") == 0:
        service.job(job_id)
    service.kill()
    vcenter.clear_faults()
    vcenter.fault("CreateDescriptor", "NoPermission")
    service.start()

    job = service.ended(job_id)

    assert job["state"] == "failed"
    assert [lease["state"] for lease in vcenter.leases()] == ["aborted"]
    assert vcenter.snapshots() == {}


def test_snapshot_begun_before_the_kill_is_found_and_not_taken_twice(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.fault("CreateSnapshot_Task", task_delay_ms=4000)
    job_id = service.backup(VM)["id"]
    while vcenter.count("CreateSnapshot_Task") == 0:
        service.job(job_id)

    service.kill()
    service.start()

    assert service.ended(job_id)["state"] == "succeeded"
    assert vcenter.count("CreateSnapshot_Task") == 1
    assert vcenter.snapshots() == {}


def test_watching_command_line_survives_a_restart_of_the_service(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.nfc(bytes_per_second=3_000_000)
    job_id = service.backup(VM)["id"]
    service.reading(job_id)
    service.kill()
    vcenter.reset_nfc()
    service.start()

    done = service.run("jobs", job_id, "--watch")

    assert done.returncode == 0, done.stderr
    assert "succeeded" in done.stdout


def test_two_services_on_one_data_directory_are_refused(service: RunningService) -> None:
    second = service.run("serve", "--port", "0")

    assert second.returncode == 2
    assert "Another vmkops runs on" in second.stderr
    assert "Traceback" not in second.stderr
