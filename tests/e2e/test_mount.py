"""A VM is staged for another backup product, saved by it, and unmounted; and what happens when that goes wrong."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.actions import act, begin, checked, refused, text
from tests.e2e.conftest import VM
from tests.peers.fetch import require
from tests.peers.loop_mount import small_disk
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, make_token, vcenter_settings

STEPS = [
    "quiesce",
    "snapshot",
    "unquiesce",
    "open the lease",
    "copy the disks",
    "close the lease",
    "remove snapshot",
    "stage",
]


@pytest.fixture
def mounts(service: RunningService) -> Iterator[Path]:
    """The directory of the mounts; nothing is in it after the test."""
    folder = service.data_dir / "mounts"
    yield folder
    for each in service.call("GET", "/mounts")[1]["mounts"]:
        service.call("DELETE", f"/mounts/{each['name']}")
    assert not folder.exists() or list(folder.iterdir()) == []


def sha256sums(folder: Path) -> None:
    """`sha256sum` agrees with the manifest."""
    manifest = next(folder.glob("*.mf"))
    subprocess.run(["sha256sum", "--check", "--strict", manifest.name], cwd=folder, capture_output=True, check=True)


@pytest.mark.gives_back
def test_one_command_stages_and_one_command_unmounts(
    service: RunningService, vcenter: Vcsim, disk: Path, mounts: Path, tmp_path: Path
) -> None:
    mounted = service.run("mount", f"name:{VM}", "--type", "fullvm", "--dest", "web", "--lease", "2h", "--json")

    assert mounted.returncode == 0, mounted.stderr
    job = json.loads(mounted.stdout)
    folder = Path(job["result"]["folder"])
    assert [step["name"] for step in job["steps"]] == STEPS
    assert folder == mounts / "web"
    sha256sums(folder)
    assert next(folder.glob("*.vmdk")).read_bytes() == disk.read_bytes()
    assert vcenter.snapshots() == {}
    assert {lease["state"] for lease in vcenter.leases()} == {"done"}
    # Whatever comes back from the other product's tape is a backup that vmkops takes again.
    subprocess.run(["tar", "-C", folder, "-cf", tmp_path / "saved.tar", "."], check=True)
    (tmp_path / "restored").mkdir()
    subprocess.run(["tar", "-C", tmp_path / "restored", "-xf", tmp_path / "saved.tar"], check=True)
    adopted = service.run("backups", "adopt", str(tmp_path / "restored"), "--dry-run")
    assert adopted.returncode == 0, adopted.stdout + adopted.stderr

    listed = service.run("mounts")
    assert "web" in listed.stdout
    assert str(folder) in listed.stdout
    again = service.run("mount", VM, "--dest", str(folder))
    assert again.returncode == 1
    assert f"{folder} is mounted already, by job {job['id']}" in again.stderr

    assert service.run("unmount", str(folder)).stdout == f"Unmounted: {folder}\n"
    assert not folder.exists()
    again = service.run("unmount", "web")
    assert (again.returncode, again.stdout[:27]) == (0, "It was unmounted already, a")
    assert service.call("DELETE", "/mounts/web")[1]["already"] is True
    never = service.run("unmount", "never-there")
    assert (never.returncode, never.stdout) == (0, "Nothing was mounted as never-there. Nothing is mounted now.\n")


HOSTILE = (
    "/etc",
    "/etc/cron.d/evil",
    "../backups/web",
    "a/b",
    "..",
    ".hidden",
    "x.partial",
    "{mounts}/../backups/x",
    "{mounts}/a/b",
    "{mounts}",
    "{data}/backups/web",
    "web\x1b[2J",
)


@pytest.mark.gives_back
@pytest.mark.parametrize("dest", HOSTILE)
def test_folder_elsewhere_is_refused(service: RunningService, vcenter: Vcsim, dest: str) -> None:
    data = service.data_dir
    dest = dest.format(mounts=data / "mounts", data=data)

    words = refused(service, "mount", vm=VM, dest=dest)
    shell = service.run("unmount", dest)

    assert "is not directly in the folder where mounts are" in words or "cannot be the name of a mount" in words
    assert shell.returncode == 2
    assert "\x1b" not in shell.stderr + shell.stdout
    assert vcenter.count("CreateSnapshot_Task") == 0


@pytest.mark.gives_back
def test_directory_that_others_can_write_is_refused(service: RunningService, mounts: Path) -> None:
    mounts.mkdir(exist_ok=True)
    mode = mounts.stat().st_mode
    mounts.chmod(0o770)
    try:
        found = checked(service, "mount", vm=VM)["mount-dir"]
    finally:
        mounts.chmod(mode)

    assert found["severity"] == "refuse"
    assert f"chmod g-w,o-w {mounts}" in found["message"]


@pytest.mark.gives_back
def test_what_vmkops_did_not_make_stays(service: RunningService, mounts: Path, tmp_path: Path) -> None:
    mounts.mkdir(exist_ok=True)
    (mounts / "foreign").mkdir()
    (mounts / "foreign" / "file").write_text("theirs")
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "file").write_text("theirs")
    (mounts / "link").symlink_to(tmp_path / "victim")

    assert "exists already" in checked(service, "mount", vm=VM, dest="foreign")["mounted"]["message"]
    assert "exists already" in checked(service, "mount", vm=VM, dest="link")["mounted"]["message"]
    for name in ("foreign", "link"):
        unmounted = service.run("unmount", name)
        assert unmounted.returncode == 1
        assert "was not made by `vmkops mount`" in unmounted.stderr

    act(service, "mount", vm=VM, dest="web")
    (mounts / "web").rename(mounts / "moved")
    (mounts / "web").symlink_to(tmp_path / "victim")
    assert "is not a folder that vmkops made" in service.run("unmount", "web").stderr
    (mounts / "web").unlink()
    (mounts / "moved").rename(mounts / "web")
    (mounts / "web" / "added").write_text("theirs")
    unmounted = service.run("unmount", "web")
    assert unmounted.returncode == 0
    assert "It stays, because vmkops did not put it there: added" in unmounted.stderr
    assert [each.name for each in (mounts / "web").iterdir()] == ["added"]

    assert (tmp_path / "victim" / "file").read_text() == "theirs"
    assert (mounts / "foreign" / "file").read_text() == "theirs"
    for name in ("web/added", "foreign/file", "link"):
        (mounts / name).unlink()
    (mounts / "web").rmdir()
    (mounts / "foreign").rmdir()


@pytest.mark.gives_back
def test_second_mount_of_a_vm_waits_for_nobody(service: RunningService, vcenter: Vcsim, mounts: Path) -> None:
    vcenter.nfc(bytes_per_second=1_000_000)
    first = begin(service, "mount", vm=VM, dest="one")
    service.reading(first)

    same = begin(service, "mount", vm=VM, dest="one")
    other = refused(service, "mount", vm=VM, dest="two")
    folder = refused(service, "mount", vm="DC0_H0_VM1", dest="one")
    stopped = service.run("unmount", "one")  # while it is staged

    assert same == first
    assert f"mount (job {first}) is under way" in other
    assert f"mount (job {first}) is under way" in folder
    assert stopped.returncode == 0, stopped.stderr
    assert "still stages it" in stopped.stderr
    assert service.job(first)["state"] == "cancelled"
    assert list(mounts.iterdir()) == []
    assert vcenter.snapshots() == {}
    assert "ready" not in {lease["state"] for lease in vcenter.leases()}


@pytest.mark.gives_back
def test_lease_is_renewed_and_never_shortened(service: RunningService, mounts: Path) -> None:
    act(service, "mount", vm=VM, dest="web", lease="2h")
    before = service.call("GET", "/mounts")[1]["mounts"][0]["until"]

    shell = service.run("mounts", "renew", str(mounts / "web"), "--lease", "2d", "--json")
    later = json.loads(shell.stdout)["until"]
    shorter = service.call("POST", "/mounts/web/renew", {"lease": "1h"})
    unchanged = service.run("mounts", "renew", "web", "--lease", "1h").stdout
    longest = service.run("mounts", "renew", "web", "--lease", "90d")
    near = service.run("unmount", "webb")
    assert unchanged.startswith(f"Nothing was changed: {mounts / 'web'} stays until "), unchanged
    assert unchanged.endswith(" already, and no lease becomes shorter.\n")
    assert (longest.returncode, longest.stderr) == (2, "vmkops mounts: lease must be at most 30d.\n")
    assert near.stdout == "Nothing was mounted as webb. Did you mean web? Mounted now: web.\n"

    assert later > before
    assert (shorter[0], shorter[1]["until"]) == (200, later)
    assert service.call("POST", "/mounts/web/renew", {"lease": "99d"})[0] == 400
    assert service.call("POST", "/mounts/..%2Fweb/renew", {})[0] == 400
    assert service.run("mounts", "renew", "none").returncode == 1
    admin = make_token(service.environment, "admin", "renewals")
    events = service.call("GET", "/audit?event=mount.renewed&limit=1", token=admin)[1]["entries"]
    assert (events[0]["details"]["name"], events[0]["details"]["until"]) == ("web", later)
    assert service.run("unmount", "web").returncode == 0
    assert service.call("POST", "/mounts/web/renew", {})[0] == 404


@pytest.mark.gives_back
def test_unmounts_at_the_same_time_agree(service: RunningService, mounts: Path) -> None:
    act(service, "mount", vm=VM, dest="web")

    with ThreadPoolExecutor(6) as callers:
        answers = list(callers.map(lambda _: service.call("DELETE", "/mounts/web"), range(6)))

    assert [status for status, _ in answers] == [200] * 6, answers
    assert sorted(mount["already"] for _, mount in answers) == [False, *[True] * 5]
    assert list(mounts.iterdir()) == []


@pytest.mark.gives_back
def test_failed_mount_leaves_nothing(service: RunningService, vcenter: Vcsim, mounts: Path) -> None:
    vcenter.fault("CreateDescriptor", "NoPermission")

    failed = service.run("mount", VM, "--dest", "web")

    assert failed.returncode == 1
    assert "does not have the privilege" in failed.stderr
    assert list(mounts.iterdir()) == []
    assert vcenter.snapshots() == {}


def test_forgotten_mount_ends_with_its_lease(vcenter: Vcsim, tmp_path: Path) -> None:
    data, mounts = tmp_path / "data", tmp_path / "mounts"
    mounts.mkdir(mode=0o750)
    dead, foreign = mounts / ".vmkops-046f3e7e01bdc7c1.partial", mounts / ".vmkops-theirs.partial"
    for folder in (dead, foreign):
        folder.mkdir()
        (folder / "half.vmdk").write_text("half of a disk")
    (dead / ".vmkops-mount").write_text('{"job": "046f3e7e01bdc7c1"}')
    os.utime(dead, (0, 0))  # a young one of an unknown job can be of another installation
    settings = {**vcenter_settings(vcenter), "VMKOPS_REAP_SECONDS": "1", "VMKOPS_MOUNT_DIR": str(mounts)}
    with RunningService(data, settings) as service:
        job = act(service, "mount", vm=VM, dest="web", lease="6h")
        assert job["state"] == "succeeded", job["error"]
        # Who may read the directory may read what is staged there, and nobody else.
        assert {oct(each.stat().st_mode & 0o777) for each in (mounts / "web").iterdir()} == {"0o640"}
        assert oct((mounts / "web").stat().st_mode & 0o777) == "0o750"
        wait_for(lambda: "vmkops_mounts 1.0" in text(service, "/metrics"), what="the count", explain=service.log)
        service.kill(signal.SIGTERM)
        with sqlite3.connect(data / "vmkops.sqlite") as database:  # six hours pass
            database.execute("UPDATE vmkops_mounts SET until = '2026-01-01T00:00:00+00:00'")
        service.start()

        wait_for(lambda: not (mounts / "web").exists(), what="the end of the lease", explain=service.log)
        wait_for(lambda: not dead.exists(), what="the end of what a dead job left", explain=service.log)
        note = wait_for(lambda: service.job(job["id"])["notes"], what="the note", explain=service.log)[0]
        late = service.run("unmount", "web")
        renewed = service.run("mounts", "renew", "web")
        wait_for(lambda: "vmkops_mounts 0.0" in text(service, "/metrics"), what="the count", explain=service.log)
        admin = make_token(service.environment, "admin", "admin")
        events = service.call("GET", "/audit?event=mount.expired", token=admin)[1]["entries"]

    assert foreign.exists()
    assert note.startswith(f"Nobody unmounted {mounts / 'web'} before its lease ended")
    assert (late.returncode, renewed.returncode) == (1, 1)
    assert "cannot be renewed" in renewed.stderr
    assert "Do not rely on what was saved from it after that" in late.stderr
    assert [event["details"]["name"] for event in events] == ["web"]


def test_mount_goes_on_after_a_kill_and_leaves_nothing_half_staged(
    service: RunningService, vcenter: Vcsim, disk: Path
) -> None:
    mounts = service.data_dir / "mounts"
    vcenter.nfc(bytes_per_second=2_000_000)
    job_id = begin(service, "mount", vm=VM, dest="web")
    service.reading(job_id)

    service.kill(signal.SIGKILL)
    assert [each.name for each in mounts.iterdir()] == [f".vmkops-{job_id}.partial"]
    vcenter.reset_nfc()
    service.start()

    job = service.ended(job_id)
    assert job["state"] == "succeeded", job["error"]
    assert [each.name for each in mounts.iterdir()] == ["web"]
    assert next((mounts / "web").glob("*.vmdk")).read_bytes() == disk.read_bytes()
    assert vcenter.count("CreateSnapshot_Task") == 1
    assert vcenter.snapshots() == {}
    assert "ready" not in {lease["state"] for lease in vcenter.leases()}


def test_full_disk_ends_the_mount_and_not_its_neighbors(vcenter: Vcsim, tmp_path: Path) -> None:
    require("tmpfs-mount")
    with small_disk(tmp_path / "disk", "200m") as mounts:
        settings = {**vcenter_settings(vcenter), "VMKOPS_MOUNT_DIR": str(mounts), "VMKOPS_KEEP_FREE": "64"}
        with RunningService(tmp_path / "data", settings) as service:
            first = act(service, "mount", vm=VM, dest="first")
            (mounts / "filler").write_bytes(b"x" * (100 << 20))
            second = service.run("mount", VM, "--dest", "second")
            left = sorted(each.name for each in mounts.iterdir())
            service.run("unmount", "first")

        assert first["state"] == "succeeded", first["error"]
        assert second.returncode == 1
        assert "Free up disk space" in second.stderr
        assert left == ["filler", "first"]
        assert [each.name for each in mounts.iterdir()] == ["filler"]
        assert vcenter.snapshots() == {}
