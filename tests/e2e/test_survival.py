"""Whatever dies, the job goes on, and nothing of a dead process stays; tests/e2e/faults has each call and step."""

from __future__ import annotations

import signal

import pytest

from tests.e2e.actions import begin
from tests.e2e.conftest import VM
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService


def test_backup_that_fails_after_a_restart_gives_up_the_lease_of_the_dead_process(
    service: RunningService, vcenter: Vcsim
) -> None:
    vcenter.fault("CreateDescriptor", hold="call")
    job_id = service.backup(VM)["id"]
    wait_for(lambda: vcenter.faults()[0]["acted"], what="the descriptor", explain=service.log)
    service.kill()
    vcenter.clear_faults()
    vcenter.fault("CreateDescriptor", "NoPermission")
    service.start()

    job = service.ended(job_id)

    assert job["state"] == "failed"
    assert [lease["state"] for lease in vcenter.leases()] == ["aborted"]
    assert vcenter.snapshots() == {}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_task_of_vsphere_goes_on_when_the_process_ends(
    service: RunningService, vcenter: Vcsim, number: signal.Signals
) -> None:
    vcenter.fault("ResetVM_Task", hold="task", count=1)
    job_id = begin(service, "reset", vm=VM)
    wait_for(lambda: vcenter.count("ResetVM_Task") and vcenter.count("WaitForUpdatesEx") > 1, what="the task")

    service.kill(number)

    assert vcenter.count("CancelTask") == 0
    service.start()
    vcenter.clear_faults()
    job = service.ended(job_id)
    assert job["state"] == "succeeded", job
    assert vcenter.count("ResetVM_Task") == 1


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
    assert "Another vmkops uses" in second.stderr
    assert "Traceback" not in second.stderr
