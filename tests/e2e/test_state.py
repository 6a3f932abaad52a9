"""An installation moves to another machine and another kind of database, and nothing runs on both."""

from __future__ import annotations

import json
import shutil
import signal
from datetime import UTC, datetime
from pathlib import Path

from tests.e2e.conftest import VM
from tests.kept_packages import keep_package
from tests.peers.fetch import require
from tests.peers.postgres import Postgres
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings

NIGHTLY = {"action": "verify-backup", "params": {"backup": "a1"}, "cron": "0 3 * * *", "timezone": "UTC"}


def test_installation_moves_from_sqlite_to_postgresql(tmp_path: Path) -> None:
    require("postgres")
    old, new, file = tmp_path / "old", tmp_path / "new", str(tmp_path / "x.state")
    for folder in (old, new):
        folder.mkdir()
        keep_package(folder / "backups", "a1", datetime(2026, 1, 1, tzinfo=UTC))
    with RunningService(old) as service:
        _, started = service.call("POST", "/actions/verify-backup", {"params": {"backup": "a1"}})
        job = service.ended(started["id"])
        assert service.call("PUT", "/schedules/nightly", NIGHTLY)[0] == 200
        _, run = service.call("POST", "/procedures/linux-p2v/runs", {"incident": "INC-7"})
        assert service.run("state", "export", file).returncode == 0  # while it serves
        token = service.token
    shutil.copytree(old / "signing", new / "signing")

    with Postgres() as postgres:
        moved = RunningService(new, {"VMKOPS_DATABASE_URL": postgres.url}, token)
        done = moved.run("state", "import", file)
        assert done.returncode == 0, done.stderr
        with moved:
            refused = moved.run("state", "import", file)
            assert (refused.returncode, "Stop all its processes" in refused.stderr) == (1, True)
            assert moved.job(job["id"]) == job
            (schedule,) = moved.call("GET", "/schedules")[1]["schedules"]
            assert "resume" in schedule["paused"]
            assert moved.call("GET", f"/runs/{run['id']}")[1] == run
            assert moved.run("schedules", "resume", "nightly").returncode == 0
            assert moved.call("GET", "/schedules/nightly")[1]["paused"] == ""
            moved.call("POST", "/actions/verify-backup", {"params": {"backup": "a1"}})  # the engine goes on
            assert moved.run("state", "export", f"{file}.2").returncode == 0


def test_job_under_way_runs_on_in_one_installation_alone(
    service: RunningService, vcenter: Vcsim, tmp_path: Path
) -> None:
    """The other one, though told to take over, leaves the snapshot of the job alone."""
    vcenter.nfc(stall_after_bytes=1 << 20)
    job = service.reading(service.backup(VM)["id"])
    assert service.run("state", "export", str(tmp_path / "x.state")).returncode == 0
    other = RunningService(tmp_path / "other", vcenter_settings(vcenter) | {"VMKOPS_REAP_SECONDS": "1"}, service.token)
    shutil.copytree(service.data_dir / "signing", other.data_dir / "signing")
    words = ("state", "import", str(tmp_path / "x.state"))

    done = other.run(*words, "--take-over", "--init", "--json")

    assert done.returncode == 0, done.stderr
    (named,) = json.loads(done.stdout)["parts"]["live_jobs"]["named"]["left"]
    assert named.startswith(job["id"])
    with other:
        wait_for(lambda: other.call("GET", f"/vms/{VM}")[0] == 200, what="its inventory, which its sweeps need")
        assert other.call("GET", f"/jobs/{job['id']}")[0] == 404
        assert other.call("GET", "/jobs")[1]["jobs"] == []
        vcenter.reset_nfc()
        ended = service.ended(job["id"])
        assert ended["state"] == "succeeded", ended["error"]
    assert vcenter.count("CreateSnapshot_Task") == 1
    assert vcenter.snapshots() == {}
    service.kill(signal.SIGTERM)
