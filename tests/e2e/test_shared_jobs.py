"""Several processes on one PostgreSQL: the living take up what a dead one left."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.api.settings import read_settings
from service.store.database import copy_queue, open_database
from tests.e2e.actions import act, begin
from tests.e2e.conftest import VM
from tests.e2e.test_backup import verify
from tests.peers.fetch import require
from tests.peers.postgres import Postgres
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings

OTHER = "DC0_H0_VM1"
PIPE = "/vmfs/volumes/datastore1/fileserver/console-pipe"


@pytest.fixture
def settings(vcenter: Vcsim) -> Iterator[dict[str, str]]:
    """A vCenter, and a database that several services share."""
    require("postgres")
    with Postgres() as postgres:
        yield vcenter_settings(vcenter) | {"VMKOPS_DATABASE_URL": postgres.url}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_job_of_a_dead_process_goes_on_in_another(
    settings: dict[str, str], vcenter: Vcsim, tmp_path: Path, number: signal.Signals
) -> None:
    vcenter.nfc(bytes_per_second=100_000)  # until `reset_nfc`, so that the copy outlasts the start of the second
    with RunningService(tmp_path, settings) as first:
        job_id = first.backup(VM)["id"]
        first.reading(job_id)
        with RunningService(tmp_path, settings, token=first.token) as second:
            assert second.job(job_id)["state"] == "running"

            first.kill(number)
            vcenter.reset_nfc()

            job = second.ended(job_id, timeout=180)
            assert job["state"] == "succeeded", second.log()
            verify(Path(job["result"]["package"]))
    assert vcenter.count("CreateSnapshot_Task") == 1
    assert vcenter.snapshots() == {}


def test_two_processes_run_one_job_once_and_both_show_it(
    settings: dict[str, str], vcenter: Vcsim, tmp_path: Path
) -> None:
    with (
        RunningService(tmp_path, settings) as first,
        RunningService(tmp_path, settings, token=first.token) as second,
    ):
        job_id = first.backup(VM)["id"]
        again = second.backup(VM)["id"]

        assert first.ended(job_id)["state"] == "succeeded"
        assert second.ended(again)["state"] == "succeeded"
    assert vcenter.count("CreateSnapshot_Task") == (1 if again == job_id else 2)


def take_turns(settings: dict[str, str], *holders: int) -> bool:
    """Whether so many copies of each process, in the order in which they came, hold or await the turn of the host."""
    engine = open_database(read_settings(settings))
    try:
        with engine.connect() as connection:
            queued = (
                sa.select(copy_queue.c.holder).where(copy_queue.c.key.startswith("host:")).order_by(copy_queue.c.place)
            )
            found = list(connection.scalars(queued))
    finally:
        engine.dispose()
    return [found.count(holder) for holder in dict.fromkeys(found)] == list(holders)


@pytest.mark.parametrize("dies", [False, True])
def test_copies_of_two_processes_from_one_host_take_turns(
    settings: dict[str, str], vcenter: Vcsim, tmp_path: Path, dies: bool
) -> None:
    settings = {**settings, "VMKOPS_MAX_COPIES": "1", "VMKOPS_DATA_DIR": str(tmp_path)}
    vcenter.nfc(bytes_per_second=100_000)  # until `reset_nfc`, so that the copy outlasts the start of the second
    with RunningService(tmp_path, settings) as first:
        holding = first.backup(VM)["id"]
        first.reading(holding)
        with RunningService(tmp_path, settings, token=first.token) as second:
            # Stopped, so that the next job is the other's.
            os.kill(first.pid, signal.SIGSTOP)
            waiting = second.backup(OTHER)["id"]
            wait_for(lambda: take_turns(settings, 1, 1), timeout=60, what="the second to queue", explain=second.log)
            assert len(vcenter.transfers()) == 1

            if dies:
                first.kill(signal.SIGKILL)
            else:
                os.kill(first.pid, signal.SIGCONT)
            vcenter.reset_nfc()

            assert second.ended(waiting, timeout=180)["state"] == "succeeded", second.log()
            assert second.ended(holding, timeout=180)["state"] == "succeeded", second.log()
    assert vcenter.snapshots() == {}
    assert take_turns(settings)


def test_one_of_many_simultaneous_requests_for_the_same_vms_is_carried_out(
    settings: dict[str, str], vcenter: Vcsim, tmp_path: Path
) -> None:
    with (
        RunningService(tmp_path, settings) as first,
        RunningService(tmp_path, settings, token=first.token) as second,
    ):
        for vm in (VM, OTHER):
            act(first, "power-off", vm=vm)
        vcenter.fault("ReconfigVM_Task", hold="task")

        def ask(number: int) -> tuple[int, Any]:
            vm, peer = (VM, OTHER) if number % 2 else (OTHER, VM)
            params = {"vm": vm, "peer": peer, "path": PIPE}
            return (first, second)[number // 2 % 2].call("POST", "/actions/serial-pipe", {"params": params})

        with ThreadPoolExecutor(8) as askers:
            answers = list(askers.map(ask, range(8)))
        vcenter.clear_faults()

        begun = {job["id"] for status, job in answers if status == 202}
        refused = [problem["detail"] for status, problem in answers if status == 409]
        assert len(begun) == 1
        assert len(refused) == 4
        assert all(begun.copy().pop() in words for words in refused)


def test_limits_of_jobs_and_schedules_hold_for_all_processes_together(
    settings: dict[str, str], vcenter: Vcsim, tmp_path: Path
) -> None:
    settings |= {"VMKOPS_MAX_JOBS": "1", "VMKOPS_MAX_SCHEDULES": "1"}
    nightly = {"action": "power-on", "params": {"vm": VM}, "cron": "0 3 * * *"}
    vcenter.fault("PowerOffVM_Task", task_delay_ms=4000, object_name=VM)
    with (
        RunningService(tmp_path, settings) as first,
        RunningService(tmp_path, settings, token=first.token) as second,
    ):
        jobs = [begin(first, "power-off", vm=VM), begin(second, "power-off", vm=OTHER)]
        ended = [first.ended(job) for job in jobs]
        with ThreadPoolExecutor(16) as people:
            put = [
                people.submit((first, second)[number % 2].call, "PUT", f"/schedules/s{number}", nightly)
                for number in range(16)
            ]
        schedules = first.call("GET", "/schedules")[1]["schedules"]

    assert sorted(each.result()[0] for each in put) == [200] + [409] * 15
    assert len(schedules) == 1
    assert [job["state"] for job in ended] == ["succeeded", "succeeded"]
    assert ended[0]["finished_at"] <= ended[1]["started_at"]


def test_database_that_does_not_answer_stops_the_start_with_the_setting(tmp_path: Path) -> None:
    settings = {"VMKOPS_DATABASE_URL": "postgresql://vmkops:secret@127.0.0.1:9/none"}

    done = RunningService(tmp_path, settings).run("serve", "--port", "0")

    assert done.returncode == 2
    assert "VMKOPS_DATABASE_URL" in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr
