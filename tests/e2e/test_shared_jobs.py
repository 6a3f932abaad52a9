"""Several processes on one PostgreSQL: the living take up what a dead one left."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import VM
from tests.e2e.test_backup import verify
from tests.peers.fetch import require
from tests.peers.postgres import Postgres
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, vcenter_settings


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
    vcenter.nfc(bytes_per_second=2_000_000)
    with RunningService(tmp_path, settings) as first:
        job_id = first.backup(VM)["id"]
        first.reading(job_id)
        with RunningService(tmp_path, settings, token=first.token) as second:
            assert second.job(job_id)["state"] == "running"

            first.kill(number)
            vcenter.reset_nfc()

            job = second.ended(job_id, timeout=90)
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


def test_database_that_does_not_answer_stops_the_start_with_the_setting(tmp_path: Path) -> None:
    settings = {"VMKOPS_DATABASE_URL": "postgresql://vmkops:secret@127.0.0.1:9/none"}

    done = RunningService(tmp_path, settings).run("serve", "--port", "0")

    assert done.returncode == 2
    assert "VMKOPS_DATABASE_URL" in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr
