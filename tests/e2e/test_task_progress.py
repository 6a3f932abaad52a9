"""How far vSphere is with a long task is told as the job's progress."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.actions import begin
from tests.e2e.conftest import VM
from tests.peers.person import take_snapshot, tell_percent
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService


@pytest.mark.parametrize(
    ("action", "method", "params"),
    [
        ("snapshot-create", "CreateSnapshot_Task", {"vm": VM}),
        ("snapshot-remove", "RemoveSnapshot_Task", {}),
        ("snapshot-revert", "RevertToSnapshot_Task", {}),
        ("power-off", "PowerOffVM_Task", {"vm": VM}),
        ("host-maintenance-enter", "EnterMaintenanceMode_Task", {"host": "DC0_C0_H1"}),
    ],
)
def test_percent_of_the_task_is_shown(
    service: RunningService, vcenter: Vcsim, action: str, method: str, params: dict[str, Any]
) -> None:
    if not params:
        take_snapshot(vcenter, VM, "before")
        params = {"snapshot": vcenter.snapshots()[VM][0]["moref"]}
    vcenter.fault(method, hold="task")
    job_id = begin(service, action, **params)
    wait_for(lambda: tell_percent(vcenter, 42), timeout=120, what="the task", explain=service.log)

    def told() -> dict[str, Any]:
        return service.job(job_id)["progress"] or {}

    wait_for(lambda: told().get("percent") == 42, timeout=120, what="the progress", explain=service.log)
    assert {name: told()[name] for name in ("done", "total", "unit", "percent", "rate")} == {
        "done": 42,
        "total": 100,
        "unit": "percent",
        "percent": 42.0,
        "rate": None,
    }
    vcenter.clear_faults()
    assert service.ended(job_id)["state"] == "succeeded"


def test_bar_in_a_terminal_shows_the_percent(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.fault("PowerOffVM_Task", task_delay_ms=5000)
    job_id = begin(service, "power-off", vm=VM)
    wait_for(lambda: vcenter.count("PowerOffVM_Task"), timeout=60, what="the task", explain=service.log)
    tell_percent(vcenter, 42)

    done = service.run("jobs", job_id, "--watch", FORCE_COLOR="1", NO_COLOR="1", COLUMNS="120")

    assert done.returncode == 0, done.stderr
    # The task ends at 100 %, perhaps before the command has begun to look.
    assert "42 %" in done.stderr or "100 %" in done.stderr
    assert "bytes" not in done.stderr
