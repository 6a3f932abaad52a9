"""vCenter changes or stops answering while a job waits for its turn: the job changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyVmomi import vim

from tests.e2e.actions import begin
from tests.e2e.faults.action_cases import CHECK, OFF
from tests.e2e.faults.cases import COLUMNS, LASTING, PASSING
from tests.e2e.faults.stage import CALL_SECONDS, LEAST_SECONDS, Stage, staged
from tests.peers.person import wait_for_task
from tests.peers.waiting import wait_for

FIRST, NEXT, GOING = "DC0_H0_VM0", "DC0_H0_VM1", "DC0_H0_VM2"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A service that runs one job at a time."""
    data = tmp_path_factory.mktemp("faults") / "data"
    with staged(("-cluster", "0", "-vm", "3"), data, {"VMKOPS_MAX_JOBS": "1", CALL_SECONDS: LEAST_SECONDS}) as stage:
        stage.vcsim.change_vm(FIRST, ignores_shutdown=True)
        yield stage


@pytest.fixture
def gate(stage: Stage) -> Iterator[str]:
    """A job that runs until it is cancelled, so that the next one waits."""
    stage.vcsim.reset_calls()
    stage.vcsim.change_vm(NEXT, properties={"runtime.powerState": "poweredOn"})
    yield begin(stage.service, "guest-shutdown", vm=FIRST)
    stage.vcsim.clear_faults()


def opened(stage: Stage, gate: str) -> None:
    """Let the next job begin."""
    stage.service.call("POST", f"/jobs/{gate}/cancel")
    stage.service.ended(gate)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("column", [column for column in COLUMNS if not CHECK.why_blank(column)])
def test_check_as_the_job_begins_ends_as_the_table_says(stage: Stage, gate: str, column: str) -> None:
    job_id = begin(stage.service, CHECK.action, vm=NEXT)
    assert stage.service.job(job_id)["state"] == "queued"
    stage.vcsim.fault(CHECK.call, object_name=NEXT, **{**LASTING, **PASSING}[column])

    opened(stage, gate)

    job = stage.service.ended(job_id)
    assert stage.vcsim.faults()[0]["acted"] > 0
    assert job["state"] == CHECK.end(column), job
    assert stage.vcsim.done(OFF, NEXT) == (1 if job["state"] == "succeeded" else 0)


def test_vm_that_vanished_meanwhile_fails_the_job_with_that(stage: Stage, gate: str) -> None:
    job_id = begin(stage.service, CHECK.action, vm=GOING)
    machine = vim.VirtualMachine(stage.vcsim.vm(GOING)["moref"], stage.person._stub)
    wait_for_task(machine.PowerOffVM_Task())
    machine.Destroy_Task()
    wait_for(lambda: GOING not in {vm["name"] for vm in stage.vcsim.vms()}, what="the end of the VM")
    stage.vcsim.reset_calls()

    opened(stage, gate)

    job = stage.service.ended(job_id)
    assert job["state"] == "failed"
    assert "no longer exists" in job["error"]["detail"]
    assert stage.vcsim.count(OFF) == 0
