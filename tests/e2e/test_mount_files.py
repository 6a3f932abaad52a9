"""The files of a VM are staged instead of its disks: what is there, and what happens when it goes wrong."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.actions import act, begin, checked, refused
from tests.e2e.conftest import VM
from tests.e2e.test_mount_scripts import Host
from tests.peers import file_systems as make
from tests.peers.fetch import require
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings

STEPS = [
    *("quiesce", "snapshot", "unquiesce", "open the lease", "copy the disks", "close the lease", "remove snapshot"),
    *("extract the files", "stage"),
]
BIG = 2 << 30
"""Bytes of a file with next to nothing in it, which takes seconds to extract."""


@pytest.fixture(scope="module")
def vcenter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vcsim]:
    """A vCenter with a VM that has two volumes with files and one without, and another one whose disk has none."""
    for program in ("vcsim", "qemu-img", "mke2fs", "mkfs.vfat", "mcopy", "sfdisk"):
        require(program)
    folder = tmp_path_factory.mktemp("made")
    system, data, swap, big = folder / "system", folder / "data", folder / "swap.img", folder / "large"
    for each in (system / "etc/app", system / "usr/bin", data / "letters", big):
        each.mkdir(parents=True)
    (system / "etc/hosts").write_text("127.0.0.1 localhost\n")
    (system / "etc/app/a, b.conf").write_text("comma\n")
    (system / os.fsdecode(b"etc/app/\xff\x1b[2J\nname")).write_text("hostile\n")
    (system / "etc/shadow").write_text("secret\n")
    (system / "etc/shadow").chmod(0)
    (system / "etc/outside").symlink_to("/etc/passwd")
    (system / "usr/bin/run").write_text("#!/bin/sh\n")
    (system / "usr/bin/run").chmod(0o4755)
    (system / "usr/open").mkdir(mode=0o777)
    os.utime(system / "etc/hosts", (1_500_000_000, 1_500_000_000))
    (data / "letters/dear.txt").write_text("dear\n")
    swap.write_bytes(bytes(4086) + b"SWAPSPACE2" + bytes((1 << 20) - 4096))
    parts = [make.ext("ext4")(folder / "system.img", system), make.fat(folder / "data.img", data), swap]
    disk = make.vmdk(make.partitioned(folder / "disk.img", parts, "gpt"), "streamOptimized")
    with (big / "zeros").open("wb") as file:
        file.truncate(BIG)
    large = make.vmdk(make.ext("ext4")(folder / "large.img", big), "streamOptimized")
    with Vcsim() as vcsim:
        for name, file in ((VM, disk), ("DC0_H0_VM1", large)):
            vcsim.put_disk(vcsim.vm(name)["disks"][0]["path"], file)
        yield vcsim


@pytest.fixture(scope="module")
def service(vcenter: Vcsim, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Its service; the group may read what is mounted."""
    mounts = tmp_path_factory.mktemp("mounts")
    mounts.chmod(0o2750)
    settings = {**vcenter_settings(vcenter), "VMKOPS_MOUNT_DIR": str(mounts), "VMKOPS_REAP_SECONDS": "1"}
    with RunningService(tmp_path_factory.mktemp("service") / "data", settings) as service:
        yield service


@pytest.fixture
def mounts(service: RunningService, vcenter: Vcsim) -> Iterator[Path]:
    """The directory of the mounts; nothing is left in it or in vCenter after the test."""
    folder = Path(service.environment["VMKOPS_MOUNT_DIR"])
    yield folder
    for each in service.call("GET", "/mounts")[1]["mounts"]:
        service.call("DELETE", f"/mounts/{each['name']}")
    assert list(folder.iterdir()) == []
    assert vcenter.snapshots() == {}
    assert "ready" not in {lease["state"] for lease in vcenter.leases()}


def volumes(folder: Path) -> dict[str, dict[str, Any]]:
    """What `volumes.json` says of each volume."""
    return {each["name"]: each for each in json.loads((folder / "volumes.json").read_text())["volumes"]}


def test_files_of_a_vm_are_staged_and_unmounted(service: RunningService, mounts: Path, tmp_path: Path) -> None:
    mounted = service.run("mount", f"name:{VM}", "--type", "file", "--dest", "web", "--json")

    assert mounted.returncode == 0, mounted.stderr
    job = json.loads(mounted.stdout)
    assert [step["name"] for step in job["steps"]] == STEPS
    folder, system = mounts / "web", mounts / "web" / "disk0-p1"
    assert sorted(each.name for each in folder.iterdir()) == [".vmkops-mount", "disk0-p1", "disk0-p2", "volumes.json"]
    assert job["result"]["files"] == ["disk0-p1/", "disk0-p2/", "volumes.json"]
    assert job["result"]["not_read"] == []
    assert (system / "etc/hosts").read_text() == "127.0.0.1 localhost\n"
    assert (system / "etc/hosts").stat().st_mtime == 1_500_000_000
    assert (folder / "disk0-p2/letters/dear.txt").read_text() == "dear\n"
    assert (system / os.fsdecode(b"etc/app/\xff\x1b[2J\nname")).read_text() == "hostile\n"
    assert not os.path.lexists(system / "etc/outside")
    found = volumes(folder)
    assert (found["disk0/p1"]["used_as"], found["disk0/p1"]["folder"]) == ("/", "disk0-p1")
    assert found["disk0/p1"]["left_out"] == ["disk0-p1/etc/outside"]
    assert found["disk0/p2"]["label"] == "ON-FAT"
    assert (found["disk0/p3"]["type"], found["disk0/p3"]["folder"]) == ("swap", "")
    # Whoever may read the directory may read everything in it, and nobody may write.
    modes = {path.relative_to(system).as_posix(): path.stat().st_mode & 0o7777 for path in system.rglob("*")}
    assert (modes["etc/shadow"], modes["usr/bin/run"], modes["usr/open"]) == (0o640, 0o740, 0o750)
    assert not [name for name, mode in modes.items() if mode & 0o7027]

    subprocess.run(["tar", "-C", folder, "-cf", tmp_path / "saved.tar", "."], check=True)
    listed = service.run("mounts")
    assert "file" in listed.stdout.split()
    assert service.call("GET", "/mounts")[1]["mounts"][0]["type"] == "file"
    assert service.run("unmount", "web").stdout == f"Unmounted: {folder}\n"
    assert not folder.exists()


def test_selected_paths_only(service: RunningService, mounts: Path) -> None:
    paths = ["/etc/app", "/etc/app/a, b.conf", "disk0/p2:/letters/dear.txt", "/etc/hosts"]
    mounted = service.run("mount", VM, "--type", "file", *(word for path in paths for word in ("--path", path)))

    assert mounted.returncode == 0, mounted.stderr
    folder = mounts / VM
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert files[1:] == [
        "disk0-p1/etc/app/a, b.conf",
        os.fsdecode(b"disk0-p1/etc/app/\xff\x1b[2J\nname"),
        "disk0-p1/etc/hosts",
        "disk0-p2/letters/dear.txt",
        "volumes.json",
    ]
    assert volumes(folder)["disk0/p1"]["files"] == 3


def test_pre_command_stages_files(service: RunningService, mounts: Path, tmp_path: Path) -> None:
    host = Host(service, tmp_path)

    before = host.run("generic/pre-command", VM, "file", "/etc/hosts", "/etc/app/a, b.conf")
    found = sorted(path.name for path in (mounts / VM).rglob("*") if path.is_file())
    after = host.run("generic/post-command", VM)

    assert (before.returncode, before.stdout) == (0, f"{mounts / VM}\n"), before.stderr
    assert found == [".vmkops-mount", "a, b.conf", "hosts", "volumes.json"]
    assert after.returncode == 0


def test_dry_run_says_what_it_needs_and_bad_requests_are_refused(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.reset_calls()
    found = checked(service, "mount", vm=VM, type="file", paths="/etc")
    assert "up to twice what the VM uses" in found["files-room"]["message"]
    assert "`..`" in refused(service, "mount", vm=VM, type="file", paths="/etc/../root")
    assert "type=file" in refused(service, "mount", vm=VM, paths="/etc")
    assert service.run("mount", VM, "--path", "/etc").returncode == 2
    assert vcenter.count("CreateSnapshot_Task") == 0


@pytest.mark.parametrize(
    ("paths", "says"), [("/none", "There is no none in the folder /"), ("disk9:/", "There is no volume disk9")]
)
def test_path_that_is_not_there_leaves_nothing(service: RunningService, mounts: Path, paths: str, says: str) -> None:
    failed = act(service, "mount", vm=VM, dest="web", type="file", paths=paths)

    assert failed["state"] == "failed"
    assert says in failed["error"]["detail"]
    assert list(mounts.iterdir()) == []


def test_disk_without_files_leaves_nothing(service: RunningService, vcenter: Vcsim, mounts: Path, disk: Path) -> None:
    vcenter.put_disk(vcenter.vm("DC0_C0_RP0_VM0")["disks"][0]["path"], disk)

    failed = service.run("mount", "DC0_C0_RP0_VM0", "--type", "file")

    assert failed.returncode == 1
    assert "The VM has no volume whose files can be read." in failed.stderr
    assert list(mounts.iterdir()) == []


def extracting(service: RunningService, mounts: Path) -> str:
    """The id of a job that is in the middle of a file."""
    job_id = begin(service, "mount", vm="DC0_H0_VM1", dest="web", type="file")
    file = mounts / f".vmkops-{job_id}.partial" / ".files" / "disk0" / "zeros"
    wait_for(file.exists, what="the file that is extracted", explain=lambda: str(service.job(job_id)))
    return job_id


def test_cancel_while_files_are_extracted_leaves_nothing(service: RunningService, mounts: Path) -> None:
    job_id = extracting(service, mounts)

    stopped = service.run("unmount", "web")

    assert stopped.returncode == 0, stopped.stderr
    assert service.job(job_id)["state"] == "cancelled"
    assert list(mounts.iterdir()) == []


def test_kill_while_files_are_extracted(service: RunningService, mounts: Path, vcenter: Vcsim) -> None:
    vcenter.reset_calls()
    job_id = extracting(service, mounts)
    service.kill(signal.SIGKILL)
    assert [each.name for each in mounts.iterdir()] == [f".vmkops-{job_id}.partial"]
    (mounts / f".vmkops-{job_id}.partial/.files/disk0/half").write_text("what an earlier attempt wrote")
    service.start()

    job = service.ended(job_id)

    assert job["state"] == "succeeded", job["error"]
    assert [each.name for each in mounts.iterdir()] == ["web"]
    assert sorted(each.name for each in (mounts / "web/disk0").iterdir()) == ["lost+found", "zeros"]
    assert (mounts / "web/disk0/zeros").stat().st_size == BIG
    assert vcenter.count("CreateSnapshot_Task") == 1


ENDLESS = (
    "CREATE VIEW endless AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 1000000000000) "
    "SELECT max(x) AS x FROM c"
)
IN_STAGE = {
    "before the folder gets its name": ("vmkops.sqlite", "vmkops_mounts", "TRUE"),
    "after the folder has got its name": ("jobs.sqlite", "operation_outputs", "NEW.function_name = 'stage'"),
}
"""Moments of the step: the database, the table and the row whose writing does not end there."""


@contextlib.contextmanager
def never_written(path: Path, table: str, row: str) -> Iterator[Path]:
    """A database in which such a row is never written, so that its job stays there until it is killed."""
    with contextlib.closing(sqlite3.connect(path, timeout=60)) as database:
        database.execute(ENDLESS)
        database.execute(f"CREATE TRIGGER held BEFORE INSERT ON {table} WHEN {row} BEGIN SELECT x FROM endless; END")
        try:
            yield path
        finally:
            database.execute("DROP TRIGGER held")
            database.execute("DROP VIEW endless")


def is_locked(database: Path) -> bool:
    """Whether somebody writes to it."""
    with contextlib.closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as opened:
        try:
            opened.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        opened.execute("ROLLBACK")
    return False


def killed_in_stage(service: RunningService, mounts: Path, moment: str, kind: str) -> str:
    """The id of a job whose service was killed at this moment."""
    paths = {"paths": "/etc/hosts"} if kind == "file" else {}

    def reached() -> bool:
        step = service.job(job_id)["steps"][-1]
        has_name = (mounts / "web").exists() is moment.startswith("after")
        return (step["name"], step["state"]) == ("stage", "running") and has_name and is_locked(database)

    name, *where = IN_STAGE[moment]
    with never_written(service.data_dir / name, *where) as database:
        job_id = begin(service, "mount", vm=VM, dest="web", type=kind, **paths)
        wait_for(reached, what="the middle of the step", explain=lambda: str(service.job(job_id)))
        service.kill(signal.SIGKILL)
    return job_id


@pytest.mark.parametrize("kind", ["fullvm", "file"])
@pytest.mark.parametrize("moment", IN_STAGE)
def test_kill_while_the_folder_gets_its_name(
    service: RunningService, mounts: Path, vcenter: Vcsim, moment: str, kind: str
) -> None:
    vcenter.reset_calls()
    job_id = killed_in_stage(service, mounts, moment, kind)
    service.start()

    job = service.ended(job_id)

    assert job["state"] == "succeeded", job["error"]
    assert [each.name for each in mounts.iterdir()] == ["web"]
    assert [each["name"] for each in service.call("GET", "/mounts")[1]["mounts"]] == ["web"]
    assert len(list((mounts / "web").iterdir())) == (3 if kind == "file" else len(job["result"]["files"]))
    assert vcenter.count("CreateSnapshot_Task") == 1


def cancelled(service: RunningService, job_id: str) -> bool:
    """Whether the record of a job says that somebody has cancelled it."""
    with contextlib.closing(sqlite3.connect(service.data_dir / "jobs.sqlite", timeout=60)) as database:
        (found,) = database.execute("SELECT attributes FROM workflow_status WHERE workflow_uuid = ?", (job_id,))
    return "cancelled_by" in str(found[0])


def test_cancel_while_the_folder_gets_its_name_leaves_nothing(service: RunningService, mounts: Path) -> None:
    """The step cannot be interrupted, and none follows."""

    def in_stage() -> bool:
        step = service.job(job_id)["steps"][-1]
        return (step["name"], step["state"]) == ("stage", "running")

    job_id = extracting(service, mounts)
    path = service.data_dir / "vmkops.sqlite"
    with contextlib.closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")  # the step waits before it can write its row
        wait_for(in_stage, what="the step", explain=lambda: str(service.job(job_id)))
        asking = threading.Thread(target=service.call, args=("POST", f"/jobs/{job_id}/cancel"))
        asking.start()
        wait_for(lambda: cancelled(service, job_id), what="the cancel", explain=service.log)
        database.execute("ROLLBACK")
    asking.join()

    assert service.ended(job_id)["state"] == "cancelled"
    assert list(mounts.iterdir()) == []
    assert service.call("GET", "/mounts")[1]["mounts"] == []


def test_kill_before_somebody_takes_the_name_leaves_nothing(service: RunningService, mounts: Path) -> None:
    job_id = killed_in_stage(service, mounts, next(iter(IN_STAGE)), "file")
    (mounts / "web").mkdir()
    service.start()

    job = service.ended(job_id)
    left = [each.name for each in mounts.iterdir()]
    (mounts / "web").rmdir()

    assert job["state"] == "failed"
    assert "exists already" in job["error"]["detail"]
    assert left == ["web"]
    assert service.call("GET", "/mounts")[1]["mounts"] == []
