"""Restore drills from outside: the VM of a drill boots without a network, is looked at, and is removed in any case."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from tests.e2e.actions import act, details
from tests.e2e.restores import VM, cards, names, start
from tests.peers.person import signed_in, wait_for_task
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService


@pytest.mark.gives_back
def test_drill_restores_checks_and_removes(service: RunningService, vcenter: Vcsim, backup: dict[str, Any]) -> None:
    before = names(vcenter)
    vcenter.nfc(bytes_per_second=8_000_000)
    status, job = service.call("POST", "/actions/restore-drill", {"params": {"backup": f"newest:{VM}"}})
    assert status == 202, job
    wait_for(lambda: names(vcenter) - before, timeout=60, what="the VM of the drill", explain=service.log)

    ended = service.ended(job["id"])

    assert ended["state"] == "succeeded", ended["error"]
    assert ended["result"]["removed"] == [f"{VM}-drill-{job['id'][:8]}"]
    assert [step["state"] for step in ended["steps"]] == ["succeeded"] * 8
    assert names(vcenter) == before


def test_drill_boots_the_vm_without_a_network_and_keeps_a_picture(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    before = names(vcenter)
    vcenter.fault("CreateScreenshot_Task", hold="task")
    job_id = start(service, backup, "restore-drill")["id"]
    made = f"{VM}-drill-{job_id[:8]}"
    running = f"{made} to run"
    wait_for(lambda: vcenter.count("CreateScreenshot_Task"), what=running, explain=service.log)
    connected = [(card.connectable.startConnected, card.connectable.connected) for card in cards(vcenter, made)]
    power = vcenter.vm(made)["power_state"]
    vcenter.clear_faults()

    job = service.ended(job_id)

    assert (power, connected) == ("poweredOn", [(False, False)])
    assert (job["state"], job["result"]["reached"]) == ("succeeded", "heartbeat"), job
    picture = Path(job["result"]["screenshot"])
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.parent == Path(backup["result"]["package"])
    assert names(vcenter) == before
    assert act(service, "verify-backup", backup=backup["id"])["state"] == "succeeded"


def test_guest_that_does_not_boot_is_reported_and_its_vm_removed(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    before = names(vcenter)
    vcenter.fault("PowerOnVM_Task", hold="call")
    job_id = start(service, backup, "restore-drill", boot_seconds=1)["id"]
    wait_for(lambda: vcenter.count("HttpNfcLeaseComplete") >= 2, what="the VM", explain=service.log)
    vcenter.change_vm(f"{VM}-drill-{job_id[:8]}", does_not_boot=True)
    vcenter.clear_faults()

    job = service.ended(job_id)

    assert (job["state"], job["result"]["reached"]) == ("partial", "powered on"), job
    assert "No heartbeat within 1 second, although VMware Tools ran" in details(job)
    assert names(vcenter) == before


def test_drill_whose_vm_does_not_start_fails_and_removes_it(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    before = names(vcenter)
    vcenter.fault("PowerOnVM_Task", "InsufficientResourcesFault", as_task=True)

    job = act(service, "restore-drill", backup=backup["id"])

    assert job["state"] == "failed"
    assert "could not be powered on" in job["error"]["detail"]
    assert names(vcenter) == before


@pytest.mark.parametrize("during", ["PowerOnVM_Task", "CreateScreenshot_Task"])
def test_cancelled_drill_powers_its_vm_off_and_removes_it(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any], during: str
) -> None:
    before = names(vcenter)
    vcenter.fault(during, hold="task")
    job_id = start(service, backup, "restore-drill")["id"]
    wait_for(lambda: vcenter.count(during), timeout=120, what=during, explain=service.log)

    service.call("POST", f"/jobs/{job_id}/cancel")
    ended = service.ended(job_id)  # also when the picture is never taken
    vcenter.clear_faults()

    assert ended["state"] == "cancelled"
    assert names(vcenter) == before


@pytest.mark.parametrize("restarted", [False, True])
def test_drill_that_is_cancelled_while_its_vm_powers_on_waits_for_that_and_removes_the_vm(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any], restarted: bool
) -> None:
    before = names(vcenter)
    vcenter.fault("PowerOnVM_Task", hold="task")
    vcenter.fault("CancelTask", "NotSupported")
    job_id = start(service, backup, "restore-drill")["id"]
    wait_for(lambda: vcenter.faults()[0]["acted"], timeout=120, what="the power-on", explain=service.log)
    vcenter.fault("CreateFilter", object_name=f"{VM}-drill-{job_id[:8]}", since="CancelTask")

    def waits() -> int:
        return int(vcenter.faults()[2]["acted"])

    service.call("POST", f"/jobs/{job_id}/cancel")
    wait_for(waits, timeout=120, what="the wait for a task", explain=service.log)
    if restarted:
        service.kill()
        earlier = waits()
        service.start()
        wait_for(lambda: waits() > earlier, timeout=120, what="the next wait for a task", explain=service.log)
    vcenter.clear_faults()

    assert service.ended(job_id)["state"] == "cancelled"
    assert vcenter.count("PowerOffVM_Task") == 1
    assert names(vcenter) == before


def test_clone_that_somebody_makes_of_the_vm_of_a_drill_stays(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    before = names(vcenter)
    vcenter.fault("CreateScreenshot_Task", hold="task")
    job_id = start(service, backup, "restore-drill")["id"]
    made = f"{VM}-drill-{job_id[:8]}"
    wait_for(lambda: vcenter.count("CreateScreenshot_Task"), timeout=120, what="the boot", explain=service.log)
    with signed_in(vcenter) as person:
        vm: Any = vim.VirtualMachine(vcenter.vm(made)["moref"], person._stub)
        spec = vim.vm.CloneSpec(location=vim.vm.RelocateSpec(), powerOn=False, template=False)
        wait_for_task(vm.Clone(folder=vm.parent, name="kept-by-anna", spec=spec))
        vcenter.change_vm("kept-by-anna", properties={"config.annotation": vm.config.annotation})
    vcenter.clear_faults()

    job = service.ended(job_id)

    assert (job["state"], job["result"]["removed"]) == ("succeeded", [made]), job
    assert names(vcenter) == {*before, "kept-by-anna"}


def test_drill_tries_a_power_off_that_failed_again(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    before = names(vcenter)
    vcenter.fault("PowerOffVM_Task", "GenericVmConfigFault", as_task=True, count=1)

    job = act(service, "restore-drill", backup=backup["id"])

    assert job["state"] == "succeeded", job
    assert vcenter.count("PowerOffVM_Task") == 2
    assert names(vcenter) == before


def test_drill_whose_vm_stays_on_names_it(service: RunningService, vcenter: Vcsim, backup: dict[str, Any]) -> None:
    vcenter.fault("PowerOffVM_Task", "GenericVmConfigFault", as_task=True)

    job = act(service, "restore-drill", backup=backup["id"])

    made = f"{VM}-drill-{job['id'][:8]}"
    assert job["state"] == "failed", job
    assert f"its VM {made} could not be removed: {made} is powered on" in job["error"]["detail"]
    assert "It could not be powered off: " in job["error"]["detail"]
    assert made in names(vcenter)


def test_backup_that_is_removed_while_its_vm_boots_does_not_fail_the_drill(
    service: RunningService, vcenter: Vcsim, backup: dict[str, Any]
) -> None:
    before = names(vcenter)
    vcenter.fault("PowerOnVM_Task", hold="call")
    job_id = start(service, backup, "restore-drill")["id"]
    wait_for(lambda: vcenter.faults()[0]["acted"], timeout=120, what="the power-on", explain=service.log)
    shutil.rmtree(backup["result"]["package"])
    vcenter.clear_faults()

    job = service.ended(job_id)

    assert (job["state"], job["result"]["reached"]) == ("succeeded", "heartbeat"), job
    assert "There is no picture of the console" in details(job)
    assert names(vcenter) == before
