"""Whatever dies, the job goes on, and nothing of a dead process stays; tests/e2e/faults has each call and step."""

from __future__ import annotations

import contextlib
import signal
import sqlite3

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
    # The next process opens a lease of its own to look for the NVRAM.
    assert {lease["state"] for lease in vcenter.leases()} == {"aborted"}
    assert vcenter.snapshots() == {}


def test_each_kill_during_a_copy_ends_the_lease_of_the_killed_process(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.nfc(bytes_per_second=1_000_000)
    job_id = service.backup(VM)["id"]
    for leases in range(1, 4):
        wait_for(lambda n=leases: len(vcenter.transfers()) == n, what="a download", explain=service.log)  # type: ignore[misc]
        service.kill()
        service.start()
    wait_for(lambda: len(vcenter.transfers()) == 4, what="the last download", explain=service.log)
    vcenter.reset_nfc()

    job = service.ended(job_id)

    assert job["state"] == "succeeded", job
    assert [lease["state"] for lease in vcenter.leases()] == ["aborted", "aborted", "aborted", "done"]
    assert rows(service) == []


def test_lease_of_a_job_that_ended_in_a_dead_process_is_ended_by_the_sweep(
    service: RunningService, vcenter: Vcsim
) -> None:
    vcenter.nfc(bytes_per_second=1_000_000)
    job_id = service.backup(VM)["id"]
    service.reading(job_id)
    vcenter.fault("HttpNfcLeaseAbort", "NoPermission")
    service.call("POST", f"/jobs/{job_id}/cancel")
    service.ended(job_id)
    assert [lease["state"] for lease in vcenter.leases()] == ["ready"]

    vcenter.clear_faults()
    service.kill()
    service.start()

    wait_for(lambda: vcenter.leases()[0]["state"] == "aborted", what="the end of the lease", explain=service.log)
    wait_for(lambda: rows(service) == [], what="the end of its row", explain=service.log)


def rows(service: RunningService) -> list[tuple[str]]:
    """The leases that the service has recorded."""
    with contextlib.closing(sqlite3.connect(service.data_dir / "vmkops.sqlite")) as database:
        return list(database.execute("SELECT lease FROM vmkops_leases"))


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
