"""Devices of VMs: drives are disconnected, and two VMs are connected by a serial pipe."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim

from tests.e2e.actions import act, begin, checked, details, refused
from tests.e2e.conftest import VM
from tests.peers.person import signed_in
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService

PEER = "DC0_H0_VM1"
FAR = "DC0_C0_RP0_VM0"
PIPE = "/vmfs/volumes/datastore1/fileserver/console-pipe"


def devices(vcenter: Vcsim, vm: str, kind: Any) -> list[Any]:
    """The devices of a kind that a VM has, as another client sees them."""
    with signed_in(vcenter) as instance:
        machine = vim.VirtualMachine(vcenter.vm(vm)["moref"], instance._stub)
        return [device for device in machine.config.hardware.device if isinstance(device, kind)]


def test_drives_are_disconnected_now_and_for_the_next_power_on(service: RunningService, vcenter: Vcsim) -> None:
    label = devices(vcenter, VM, vim.vm.device.VirtualCdrom)[0].deviceInfo.label
    assert label in checked(service, "disconnect-removables", vm=VM)["drives"]["message"]
    job = act(service, "disconnect-removables", vm=VM)
    assert job["state"] == "succeeded", job
    assert job["result"] == {"disconnected": [label]}
    (drive,) = devices(vcenter, VM, vim.vm.device.VirtualCdrom)
    assert (drive.connectable.connected, drive.connectable.startConnected) == (False, False)
    assert act(service, "disconnect-removables", vm=VM)["result"] == {"disconnected": []}
    assert vcenter.count("ReconfigVM_Task") == 1


LOCKED = {
    "id": "7",
    "text": "msg.cdromdisconnect.locked:The guest operating system has locked the CD-ROM door. Disconnect anyway?",
    "choices": {"0": "Yes", "1": "No"},
}


@pytest.mark.parametrize(("answer", "state"), [("0", "succeeded"), ("1", "failed")])
def test_question_that_a_task_waits_on_is_told_and_can_be_answered_meanwhile(
    service: RunningService, vcenter: Vcsim, answer: str, state: str
) -> None:
    vcenter.fault("ReconfigVM_Task", "InvalidDeviceOperation", question=LOCKED, accept="0", count=1)
    job_id = begin(service, "disconnect-removables", vm=VM)

    def asked() -> str:
        steps = service.call("GET", f"/jobs/{job_id}")[1]["steps"]
        return next((step["detail"] for step in steps if step["state"] == "running" and step["detail"]), "")

    told = wait_for(asked, what="the question", explain=service.log)
    answered = act(service, "answer-question", vm=VM, choice=answer)
    job = service.ended(job_id)

    assert "has locked the CD-ROM door" in told
    assert "Choices: 0 (Yes), 1 (No)" in told
    assert f"vmkops action answer-question {VM} choice=KEY" in told
    assert answered["state"] == "succeeded", answered["error"]
    assert job["state"] == state, job["error"]


def test_locked_drive_is_disconnected_without_asking_when_that_is_wanted(
    service: RunningService, vcenter: Vcsim
) -> None:
    vcenter.fault("ReconfigVM_Task", "InvalidDeviceOperation", question=LOCKED, accept="0", count=1)

    job = act(service, "disconnect-removables", vm=VM, locked="override")

    assert job["state"] == "succeeded", job["error"]
    assert vcenter.vm(VM)["answer"] == "0"


def test_job_that_waits_on_a_question_can_be_cancelled(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.fault("PowerOffVM_Task", question=LOCKED, count=1)
    job_id = begin(service, "power-off", vm=VM)
    wait_for(lambda: vcenter.vm(VM)["question"], what="the question", explain=service.log)

    service.call("POST", f"/jobs/{job_id}/cancel")

    assert service.ended(job_id)["state"] == "cancelled"
    wait_for(lambda: not vcenter.vm(VM)["question"], what="the end of the question")
    assert vcenter.vm(VM)["power_state"] == "poweredOn"


def test_two_vms_that_are_off_are_joined_by_a_pipe(service: RunningService, vcenter: Vcsim) -> None:
    for vm in (VM, PEER):
        act(service, "power-off", vm=vm)
    job = act(service, "serial-pipe", vm=VM, peer=PEER, path=PIPE)
    assert job["state"] == "succeeded", job
    assert job["result"]["power_on_first"] == VM
    for vm, end in ((VM, "server"), (PEER, "client")):
        (port,) = devices(vcenter, vm, vim.vm.device.VirtualSerialPort)
        assert (port.backing.pipeName, port.backing.endpoint, port.backing.noRxLoss) == (PIPE, end, True)
        assert port.yieldOnPoll is True
    again = act(service, "serial-pipe", vm=VM, peer=PEER, path=PIPE)
    assert "already had it" in details(again)
    assert len(devices(vcenter, PEER, vim.vm.device.VirtualSerialPort)) == 1


def test_pipe_holds_both_vms_whichever_way_round(service: RunningService, vcenter: Vcsim) -> None:
    for vm in (VM, PEER):
        act(service, "power-off", vm=vm)
    vcenter.fault("ReconfigVM_Task", task_delay_ms=3000, count=1)
    first = begin(service, "serial-pipe", vm=VM, peer=PEER, path=PIPE)

    again = begin(service, "serial-pipe", vm=VM, peer=PEER, path=PIPE)
    backup = refused(service, "backup", vm=PEER)
    other_way = refused(service, "serial-pipe", vm=PEER, peer=VM, path=PIPE)

    assert again == first
    for words in (backup, other_way):
        assert f"serial-pipe (job {first}) is under way on {VM}" in words
        assert f"vmkops jobs {first} --watch" in words
        assert f"vmkops jobs {first} --cancel" in words
    assert service.ended(first)["state"] == "succeeded"
    assert act(service, "power-on", vm=PEER)["state"] == "succeeded"


def test_pipe_waits_for_a_job_on_the_far_vm(service: RunningService, vcenter: Vcsim) -> None:
    for vm in (VM, PEER):
        act(service, "power-off", vm=vm)
    vcenter.fault("CreateSnapshot_Task", task_delay_ms=3000, count=1)
    snapshot = begin(service, "snapshot-create", vm=PEER)

    words = refused(service, "serial-pipe", vm=VM, peer=PEER, path=PIPE)

    assert f"snapshot-create (job {snapshot}) is under way on {PEER}" in words


def test_repeat_of_a_request_gets_its_first_job_though_another_holds_the_vm(
    service: RunningService, vcenter: Vcsim
) -> None:
    def power_off() -> str:
        body, headers = {"params": {"vm": VM}}, {"Idempotency-Key": "once"}
        status, job = service.call("POST", "/actions/power-off", body, headers=headers)
        assert status == 202, job
        return str(job["id"])

    first = power_off()
    service.ended(first)
    vcenter.fault("CreateSnapshot_Task", task_delay_ms=3000, count=1)
    begin(service, "snapshot-create", vm=VM)

    assert power_off() == first


@pytest.mark.gives_back
def test_pipe_between_running_vms_is_refused_and_far_ones_are_warned_of(service: RunningService) -> None:
    words = refused(service, "serial-pipe", vm=VM, peer=FAR, path=PIPE)
    assert f"{VM} is powered on" in words
    assert f"{FAR} is powered on" in words
    found = checked(service, "serial-pipe", vm=VM, peer=FAR, path=PIPE)
    assert found["hosts"]["severity"] == "warn"
    assert "relative" in checked(service, "serial-pipe", vm=VM, peer=PEER, path="pipe")["path"]["message"]
    assert "both ends" in refused(service, "serial-pipe", vm=VM, peer=VM, path=PIPE)
    assert "line break" in refused(service, "serial-pipe", vm=VM, peer=PEER, path="/a\nserial1.present")
