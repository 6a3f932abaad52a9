"""A backup of files when something goes wrong: nothing of it is left, or the job goes on to the whole of it."""

from __future__ import annotations

import signal
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.e2e.actions import act, begin, refused
from tests.e2e.conftest import VM
from tests.e2e.kept_files.conftest import BIG, LARGE, LETTERS, WINDOWS
from tests.e2e.test_mount_files import is_locked, never_written
from tests.peers.fetch import require
from tests.peers.loop_mount import small_disk
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings


@pytest.mark.parametrize("action", ["backup", "mount"])
def test_missing_libraries_are_refused_with_the_way_to_install_them(
    vcenter: Vcsim, tmp_path: Path, action: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['pytsk3'] = None\n")
    with RunningService(tmp_path / "data", {**vcenter_settings(vcenter), "PYTHONPATH": str(tmp_path)}) as service:
        vcenter.reset_calls()
        said = refused(service, action, vm=VM, type="file")

    assert 'pip install "vmkops[files]"' in said
    assert vcenter.count("CreateSnapshot_Task") == 0


def extracting(service: RunningService, kept: Path) -> str:
    """The id of a job that is in the middle of a file."""
    job_id = begin(service, "backup", vm=LARGE, type="file")
    archive = kept / LARGE / f"{job_id}.partial" / "disk0.tar"
    wait_for(archive.exists, what="the archive", explain=lambda: str(service.job(job_id)))
    return job_id


def test_cancel_while_files_are_extracted_leaves_nothing(service: RunningService, kept: Path) -> None:
    job_id = extracting(service, kept)

    service.call("POST", f"/jobs/{job_id}/cancel")

    assert service.ended(job_id)["state"] == "cancelled"
    assert not list(kept.glob(f"*/{job_id}*"))


def finished_after_kill(service: RunningService, kept: Path, vcenter: Vcsim, job_id: str, vm: str) -> Path:
    """The folder of the backup whose service was killed, and goes on."""
    service.start()
    job = service.ended(job_id)
    assert job["state"] == "succeeded", job["error"]
    assert vcenter.count("CreateSnapshot_Task") == 1
    folder = kept / vm / job_id
    assert sorted(each.name for each in folder.iterdir()) == job["result"]["files"]
    subprocess.run(["sha256sum", "-c", f"{vm}.mf"], cwd=folder, check=True, capture_output=True)
    assert act(service, "verify-backup", backup=job_id)["state"] == "succeeded"
    return folder


def test_kill_while_files_are_extracted(service: RunningService, kept: Path, vcenter: Vcsim) -> None:
    vcenter.reset_calls()
    job_id = extracting(service, kept)
    service.kill(signal.SIGKILL)
    assert [each.name for each in (kept / LARGE).iterdir() if job_id in each.name] == [f"{job_id}.partial"]

    folder = finished_after_kill(service, kept, vcenter, job_id, LARGE)

    with tarfile.open(folder / "disk0.tar") as archive:
        assert archive.getmember("zeros").size == BIG


@pytest.mark.parametrize(
    "step", ["back up: package", "remove snapshot", "extract the files", "extract the files: package"]
)
def test_kill_at_the_end_of_a_step(service: RunningService, kept: Path, vcenter: Vcsim, step: str) -> None:
    """The step is done, and the service dies before its record is written, so it is done again."""
    vcenter.reset_calls()
    database = service.data_dir / "jobs.sqlite"
    name = step.partition(": ")[0]

    def reached() -> bool:
        steps = {each["name"]: each["state"] for each in service.job(job_id)["steps"]}
        return steps[name] == "running" and is_locked(database)

    with never_written(database, "operation_outputs", f"NEW.function_name = '{step}'"):
        job_id = begin(service, "backup", vm=WINDOWS, type="file", paths="/Ann.txt")
        wait_for(reached, what="the end of the step", explain=lambda: str(service.job(job_id)))
        service.kill(signal.SIGKILL)
    assert (kept / WINDOWS / job_id).exists() is (step == "extract the files: package")

    finished_after_kill(service, kept, vcenter, job_id, WINDOWS)


def test_kill_and_cancel_leaves_nothing(service: RunningService, kept: Path) -> None:
    job_id = extracting(service, kept)
    service.call("POST", f"/jobs/{job_id}/cancel")
    service.kill(signal.SIGKILL)
    service.start()

    assert service.ended(job_id)["state"] == "cancelled"
    assert not list(kept.glob(f"*/{job_id}*"))


@pytest.mark.parametrize("action", ["backup", "mount"])
def test_full_disk_while_files_are_extracted_leaves_nothing(
    made: Path, vcenter: Vcsim, tmp_path: Path, action: str
) -> None:
    """The disk is compressed, and its files are not."""
    require("tmpfs-mount")
    data = tmp_path / "data"
    data.mkdir()
    where = data / ("backups" if action == "backup" else "mounts")
    with small_disk(where, "150m"):
        (where / "data").rmdir()
        settings = {**vcenter_settings(vcenter), "VMKOPS_KEEP_FREE": "64", "VMKOPS_REAP_SECONDS": "1"}
        with RunningService(data, settings) as service:
            job = act(service, action, vm=f"name:{LETTERS}", type="file")
            left = list(where.iterdir())

    assert job["state"] == "failed"
    assert "(VMKOPS_KEEP_FREE)" in job["error"]["detail"]
    assert [each["name"] for each in job["steps"] if each["state"] == "failed"] == ["extract the files"]
    assert left == []
    assert vcenter.snapshots() == {}
