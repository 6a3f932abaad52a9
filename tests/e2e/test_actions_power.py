"""Power, questions and clocks of VMs, through the service."""

from __future__ import annotations

import pytest

from tests.e2e.actions import act, begin, checked, details, refused
from tests.e2e.conftest import VM
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService

QUESTION = {"id": "7", "text": "The VM was moved or copied.", "choices": {"0": "Cancel", "1": "I moved it"}}


@pytest.mark.gives_back
def test_power_off_and_on_again(service: RunningService, vcenter: Vcsim) -> None:
    off = act(service, "power-off", vm=VM)
    assert off["state"] == "succeeded", off
    assert off["result"] == {"power_state": "poweredOff", "changed": True}
    assert f"Undo: vmkops action power-on {VM}" in details(off)
    assert vcenter.vm(VM)["power_state"] == "poweredOff"

    on = act(service, "power-on", vm=f"moref:{vcenter.vm(VM)['moref']}")
    assert on["target"] == VM
    assert vcenter.vm(VM)["power_state"] == "poweredOn"


@pytest.mark.gives_back
def test_vm_that_is_on_is_not_changed(service: RunningService, vcenter: Vcsim) -> None:
    job = act(service, "power-on", vm=VM)
    assert job["state"] == "succeeded"
    assert job["result"]["changed"] is False
    assert vcenter.count("PowerOnVM_Task") == 0


def test_dry_run_changes_nothing_and_says_that_the_guest_could_be_asked(
    service: RunningService, vcenter: Vcsim
) -> None:
    assert "guest-shutdown" in checked(service, "power-off", vm=VM)["guest"]["message"]
    assert vcenter.vm(VM)["power_state"] == "poweredOn"
    assert service.call("GET", "/jobs")[1]["jobs"] == []


def test_power_off_started_before_a_kill_is_continued_and_not_repeated(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.fault("PowerOffVM_Task", task_delay_ms=3000)
    job_id = begin(service, "power-off", vm=VM)
    wait_for(lambda: vcenter.count("PowerOffVM_Task"), timeout=60, what="the task")
    service.kill()
    service.start()
    job = service.ended(job_id)
    assert job["state"] == "succeeded", job
    assert vcenter.vm(VM)["power_state"] == "poweredOff"
    assert vcenter.count("PowerOffVM_Task") == 1


def test_reset_started_before_a_kill_is_not_repeated(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.fault("ResetVM_Task", task_delay_ms=3000)
    job_id = begin(service, "reset", vm=VM)
    wait_for(lambda: vcenter.count("ResetVM_Task"), timeout=60, what="the task")
    service.kill()
    service.start()
    job = service.ended(job_id)
    assert job["state"] == "succeeded", job
    assert vcenter.count("ResetVM_Task") == 1


def test_reset_of_a_vm_that_is_off_is_refused(service: RunningService) -> None:
    act(service, "power-off", vm=VM)
    assert "is powered off" in refused(service, "reset", vm=VM)


def test_guest_is_asked_to_shut_down(service: RunningService, vcenter: Vcsim) -> None:
    job = act(service, "guest-shutdown", vm=VM)
    assert job["state"] == "succeeded", job
    assert vcenter.count("PowerOffVM_Task") == 0
    assert vcenter.vm(VM)["power_state"] == "poweredOff"


def test_guest_that_does_not_stop_fails_the_job_with_what_to_do(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_vm(VM, ignores_shutdown=True)
    job = act(service, "guest-shutdown", vm=VM, wait_seconds=1)
    assert job["state"] == "failed"
    assert "did not shut down within 1 second" in job["error"]["detail"]
    assert "power-off" in job["error"]["detail"]
    assert vcenter.vm(VM)["power_state"] == "poweredOn"


def test_waiting_for_a_guest_can_be_cancelled(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_vm(VM, ignores_shutdown=True)
    job_id = begin(service, "guest-shutdown", vm=VM)
    wait_for(lambda: vcenter.count("ShutdownGuest"), timeout=60, what="the call")
    service.call("POST", f"/jobs/{job_id}/cancel")
    assert service.ended(job_id)["state"] == "cancelled"


def test_guest_without_tools_cannot_be_asked(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_vm(VM, tools_running_status="guestToolsNotRunning")
    assert "VMware Tools are not running" in refused(service, "guest-shutdown", vm=VM)


@pytest.mark.parametrize("choice", ["1", "i moved it"])
def test_question_is_answered_by_key_or_label(service: RunningService, vcenter: Vcsim, choice: str) -> None:
    vcenter.change_vm(VM, question=QUESTION)
    job = act(service, "answer-question", vm=VM, choice=choice)
    assert job["state"] == "succeeded", job
    assert job["result"] == {"question": QUESTION["text"], "answer": "I moved it"}
    assert vcenter.vm(VM)["answer"] == "1"


def test_dry_run_of_an_answer_lists_the_choices(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_vm(VM, question=QUESTION)
    found = checked(service, "answer-question", vm=VM)
    assert "0 (Cancel), 1 (I moved it)" in found["question"]["message"]
    assert found["choice"]["severity"] == "refuse"
    assert "there is no choice '9'" in refused(service, "answer-question", vm=VM, choice="9")


@pytest.mark.gives_back
def test_vm_without_a_question_has_nothing_to_answer(service: RunningService) -> None:
    assert "does not wait for an answer" in refused(service, "answer-question", vm=VM, choice="1")


def test_other_actions_warn_about_a_pending_question(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_vm(VM, question=QUESTION)
    assert "answer-question" in checked(service, "power-off", vm=VM)["question"]["message"]


def test_time_sync_is_switched_and_the_undo_shown(service: RunningService) -> None:
    job = act(service, "set-time-sync", vm=VM)
    assert job["result"] == {"time_sync": True, "changed": True}
    assert f"action set-time-sync {VM} enabled=false" in details(job)
    assert "already on" in checked(service, "set-time-sync", vm=VM)["time-sync"]["message"]


@pytest.mark.gives_back
def test_ping_reports_version_and_time(service: RunningService) -> None:
    job = act(service, "ping")
    assert job["state"] == "succeeded", job
    assert "VMware vCenter" in job["result"]["product"]
    assert abs(job["result"]["clock_ahead_seconds"]) < 60


def test_disconnected_vm_is_refused_before_anything(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_vm(VM, properties={"runtime.connectionState": "disconnected"})
    assert "Reconnect its host" in refused(service, "power-off", vm=VM)


def test_template_is_refused(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_vm(VM, properties={"config.template": True})
    assert "is a template" in refused(service, "power-off", vm=VM)
