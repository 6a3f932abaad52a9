"""A person follows a job in a terminal: progress, Ctrl-C, a service that goes away, and a job that is there already."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import VM
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService
from tests.terminal import Terminal

SLOW = 3_000_000
"""Bytes a second: a backup takes about eight seconds."""


@pytest.fixture
def slow(service: RunningService, vcenter: Vcsim) -> Iterator[RunningService]:
    """A service whose backups take a while."""
    vcenter.nfc(bytes_per_second=SLOW)
    yield service
    vcenter.reset_nfc()


def live_id(service: RunningService) -> str:
    (job,) = service.call("GET", "/jobs?live=true")[1]["jobs"]
    return str(job["id"])


@pytest.mark.gives_back
def test_backup_is_followed_left_joined_and_found_again(slow: RunningService, vcenter: Vcsim) -> None:
    with Terminal(slow, "backup", VM) as terminal:
        shown = terminal.read_until(" left")
        assert "MB/s" in shown
        job_id = live_id(slow)
        terminal.interrupt()
        left = terminal.read_until("--cancel")
        assert "the job goes on" in left
        assert f"vmkops jobs {job_id} --watch" in left
        assert terminal.wait() == 130

    listed = slow.run("jobs", "--live", "--state", "running", "--action", "backup")
    assert listed.stdout.startswith(job_id)
    shown = slow.run("jobs", job_id[:8]).stdout
    assert f"job         {job_id}" in shown
    assert f", process {slow.pid}" in shown
    assert "asked by    token:test, 20" in shown

    vcenter.reset_nfc()
    joined = slow.run("backup", VM)
    assert joined.returncode == 0, joined.stderr
    assert f"Nothing was started: job {job_id}, which token:test asked for at 20" in joined.stderr
    assert "Snapshot removed: yes" in joined.stdout
    assert "True" not in joined.stdout
    ended = slow.run("jobs", job_id, "--json")
    assert json.loads(ended.stdout)["state"] == "succeeded"
    assert f"job ended: backup of {VM} (job {job_id}) succeeded" in slow.log()


@pytest.mark.gives_back
@pytest.mark.parametrize("plain", [{"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_progress_is_plain_lines_where_nothing_can_be_drawn(slow: RunningService, plain: dict[str, str]) -> None:
    with Terminal(slow, "backup", VM, **plain) as terminal:
        shown = terminal.read_until("succeeded\n")
        assert terminal.wait() == 0

    assert "\x1b[" not in shown
    assert " left" in shown


def test_service_that_goes_away_is_told_at_once_and_waited_for(slow: RunningService) -> None:
    with Terminal(slow, "backup", VM) as patient, Terminal(slow, "jobs", "--watch", "--patience", "2s") as list_watcher:
        patient.read_until(" left")
        job_id = live_id(slow)
        list_watcher.read_until(job_id)
        with Terminal(slow, "jobs", job_id, "--watch", "--patience", "2s") as impatient:
            impatient.read_until(" left")
            slow.kill(signal.SIGKILL)
            impatient.read_until("The service does not answer")
            impatient.read_until(f"vmkops jobs {job_id} --watch")
            assert impatient.wait() == 3
        list_watcher.read_until("does not answer")
        assert list_watcher.wait() == 3
        patient.read_until("The service does not answer")
        slow.start()
        patient.read_until("The service answers again.")
        patient.read_until("succeeded\n")
        assert patient.wait() == 0


@pytest.mark.gives_back
def test_wrong_parameter_is_told_in_words_with_what_there_is(service: RunningService) -> None:
    done = service.run("action", "power-on", VM, "colour=blue")

    assert done.returncode == 2
    assert "power-on has no parameter colour; it takes: vm." in done.stderr


@pytest.mark.gives_back
def test_short_id_of_no_or_of_several_jobs_is_told(service: RunningService) -> None:
    none = service.run("jobs", "ffffffff")

    assert none.returncode == 1
    assert "There is no job 'ffffffff'. The list of jobs (vmkops jobs) has their ids." in none.stderr
    assert "GET" not in none.stderr


def test_token_that_is_missing_is_told_for_the_shell(plain_service: RunningService, tmp_path: Path) -> None:
    done = plain_service.run("jobs", VMKOPS_TOKEN="", VMKOPS_CONFIG=str(tmp_path / "none.toml"))

    assert done.returncode in (1, 2)
    assert "Authorization" not in done.stderr
