"""A backup of selected files: what is kept, and what is done with it later."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.actions import act, checked, refused, text
from tests.e2e.conftest import VM
from tests.e2e.kept_files.conftest import LARGE, LOCKED, OLD, WINDOWS
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, vcenter_settings

STEPS = [
    *("quiesce", "snapshot", "unquiesce", "mount", "back up", "unmount", "remove snapshot"),
    "extract the files",
]


def kept_files(service: RunningService, vm: str = VM, **params: Any) -> dict[str, Any]:
    """Back up files of a VM; the job, which has ended well."""
    job = act(service, "backup", vm=vm, type="file", **params)
    assert job["state"] == "succeeded", job["error"]
    return job


def unpacked(service: RunningService, backup: str, path: str, to: Path) -> Path:
    """What `vmkops files get` writes."""
    done = service.run("files", backup, "get", path, "--to", str(to))
    assert done.returncode == 0, done.stderr
    return to


def contents(top: Path) -> dict[bytes, bytes]:
    """The bytes of each regular file below a folder, by its path."""
    found = [each for each in top.rglob("*") if each.is_file() and not each.is_symlink()]
    return {os.fsencode(each.relative_to(top)): each.read_bytes() for each in found}


def test_selected_files_are_kept_byte_for_byte(service: RunningService, kept: Path, made: Path, tmp_path: Path) -> None:
    words = ("--type", "file", "--path", "/etc", "--path", "disk0/p2:/letters/dear.txt", "--path", "/etc/app")
    done = service.run("backup", f"name:{VM}", *words, "--json")

    assert done.returncode == 0, done.stderr
    job = json.loads(done.stdout)
    assert [step["name"] for step in job["steps"]] == STEPS
    result, folder = job["result"], kept / VM / job["id"]
    assert sorted(each.name for each in folder.iterdir()) == result["files"]
    assert result["files"] == [
        *(f"{VM}.mf", f"{VM}.mf.sig", "backup.json", "backup.json.sig", "disk0-p1.tar", "disk0-p2.tar"),
    ]
    assert (result["not_found"], result["warnings"]) == ([], [])
    subprocess.run(["sha256sum", "-c", f"{VM}.mf"], cwd=folder, check=True, capture_output=True)

    with tarfile.open(folder / "disk0-p1.tar", errors="surrogateescape") as archive:
        members = {each.name: each for each in archive.getmembers()}
        read = {os.fsencode(each.name): archive.extractfile(each).read() for each in members.values() if each.isfile()}
    expected = {b"etc/" + name: content for name, content in contents(made / "system/etc").items()}
    assert read == expected
    assert stat.S_IMODE(members["etc/shadow"].mode) == 0o600
    assert (members["etc/hosts"].mtime, members["etc/hosts"].uid) == (OLD, (made / "system/etc/hosts").stat().st_uid)
    assert (members["etc/link"].issym(), members["etc/link"].linkname) == (True, "../usr/bin/run")
    assert [each for each in members if not each.startswith("etc")] == []
    assert (folder / "disk0-p1.tar").stat().st_blocks * 512 < (folder / "disk0-p1.tar").stat().st_size - (5 << 20)

    got = unpacked(service, job["id"], "/etc", tmp_path / "got")
    assert contents(got) == contents(made / "system/etc")
    assert service.run("files", job["id"], "cat", "disk0/p2:/letters/dear.txt").stdout == "dear\n"
    assert "a, b.conf" in service.run("files", job["id"], "ls", "/etc/app").stdout
    assert "/etc/hosts" in service.run("files", job["id"], "find", "/etc", "--name", "hosts").stdout
    missing = service.run("files", job["id"], "ls", "/usr")
    assert (missing.returncode, "There is no usr in the folder /" in missing.stderr) == (1, True)
    closed = service.run("files", job["id"], "ls", "disk0/p3:/")
    assert "LUKS" in closed.stderr


def test_whole_volumes_with_other_rights_and_a_closed_one(service: RunningService, kept: Path, made: Path) -> None:
    job = kept_files(service)

    (closed,) = job["result"]["not_read"]
    assert closed.startswith("disk0/p3: ")
    with tarfile.open(kept / VM / job["id"] / "disk0-p1.tar") as archive:
        assert stat.S_IMODE(archive.getmember("usr/bin/run").mode) == 0o4755
        assert "" not in archive.getnames()
    assert job["result"]["file_count"] == sum(len(contents(made / each)) for each in ("system", "data"))


def test_files_of_windows_in_any_case(service: RunningService, kept: Path, made: Path) -> None:
    job = kept_files(service, WINDOWS, paths="/ANN.txt")

    with tarfile.open(kept / WINDOWS / job["id"] / "disk0.tar") as archive:
        assert archive.extractfile("Ann.txt").read() == (made / "windows/Ann.txt").read_bytes()
    assert "Ann.txt" in service.run("files", job["id"], "ls", "/aNN.TXT").stdout


def test_lists_name_it_and_it_stands_for_no_backup_of_the_vm(service: RunningService, kept: Path) -> None:
    job = kept_files(service, WINDOWS, paths="/Ann.txt")

    _, shown = service.call("GET", f"/backups/{job['id']}")
    assert (shown["type"], shown["paths"], shown["disks"]) == ("file", ["/Ann.txt"], [])
    listed = service.run("backups", "--vm", WINDOWS)
    assert "/Ann.txt" in listed.stdout
    assert "1 file of disk0 (ntfs" in text(service, f"/backups/{job['id']}")
    _, stale = service.call("GET", "/backups/freshness?older_than=1h")
    assert (WINDOWS, "It has no backup here.") in {(each["vm"], each["reason"]) for each in stale["stale"]}
    for action, more in (
        ("restore", {}),
        ("restore-drill", {}),
        ("restore", {"onto": f"name:{LARGE}"}),
        ("restore-disk", {"vm": f"name:{LARGE}", "disk": "1"}),
    ):
        words = refused(service, action, backup=job["id"], **more)
        assert (
            f"holds files, not a machine, so no VM or disk can be made of it. Read them with `vmkops files {job['id']}`"
            in words
        )
    newest = refused(service, "restore", backup=f"newest:{WINDOWS}")
    assert "hold files, not the machine" in newest


def test_newest_backup_of_a_vm_is_that_of_its_disks(service: RunningService, kept: Path) -> None:
    whole = act(service, "backup", vm=WINDOWS)
    of_files = kept_files(service, WINDOWS)

    found = checked(service, "verify-backup", backup=f"newest:{WINDOWS}")

    assert whole["id"] in found["backup-from"]["message"]
    assert of_files["id"] not in found["backup-from"]["message"]


def test_verification_finds_each_changed_byte(service: RunningService, kept: Path) -> None:
    job = kept_files(service, WINDOWS)

    assert act(service, "verify-backup", backup=job["id"])["result"]["verdict"] == "good"
    assert service.call("GET", f"/backups/{job['id']}")[1]["state"] == "verified"
    with (kept / WINDOWS / job["id"] / "disk0.tar").open("r+b") as archive:
        archive.seek(5000)
        byte = archive.read(1)
        archive.seek(5000)
        archive.write(bytes([byte[0] ^ 1]))
    damaged = act(service, "verify-backup", backup=job["id"])
    assert "disk0.tar was changed" in damaged["error"]["detail"]
    assert service.call("GET", f"/backups/{job['id']}")[1]["state"] == "damaged"


def test_pruning_counts_files_and_disks_apart(service: RunningService, kept: Path) -> None:
    old = [act(service, "backup", vm=LOCKED)["id"], kept_files(service, WINDOWS, paths="/Ann.txt")["id"]]
    other = kept_files(service, WINDOWS)["id"]
    whole = act(service, "backup", vm=WINDOWS)["id"]
    new = kept_files(service, WINDOWS, paths="/Ann.txt")["id"]
    for backup in (*old, other, whole, new):
        act(service, "verify-backup", backup=backup)

    pruned = act(service, "prune-backups", vm=WINDOWS, last=1, daily=0, weekly=0, monthly=0)

    assert old[1] in pruned["result"]["removed"]
    assert not {other, whole, new} & {*pruned["result"]["removed"]}


def test_fleet_of_files_removes_no_backup_of_a_vm(service: RunningService, kept: Path) -> None:
    whole = [act(service, "backup", vm=WINDOWS)["id"] for _ in range(2)]
    for backup in whole:
        act(service, "verify-backup", backup=backup)
    before = kept_files(service, WINDOWS, paths="/Ann.txt")["id"]
    act(service, "verify-backup", backup=kept_files(service, WINDOWS, paths="/Ann.txt")["id"])
    inner = {"type": "file", "paths": "/Ann.txt"}

    done = act(service, "fleet", vms=f"name:{WINDOWS}", params=inner, keep="1")

    assert done["state"] == "succeeded", done
    assert not (kept / WINDOWS / before).exists()
    assert all((kept / WINDOWS / each).exists() for each in whole)


def test_copy_of_files_comes_back_from_its_target(vcenter: Vcsim, made: Path, tmp_path: Path) -> None:
    nas, config = tmp_path / "nas", tmp_path / "vmkops.toml"
    nas.mkdir()
    config.write_text(f'[copy.nas]\nkind = "directory"\npath = "{nas}"\n')
    settings = {**vcenter_settings(vcenter), "VMKOPS_CONFIG": str(config)}
    with RunningService(tmp_path / "data", settings) as service:
        job = kept_files(service, WINDOWS, copy_to="nas")
        (copy,) = job["result"]["copies"]
        assert service.ended(copy["job"])["state"] == "succeeded"
        assert "files: all" in service.run("backups", "--target", "nas").stdout
        removed = service.data_dir / "backups" / WINDOWS / job["id"]
        removed.rename(tmp_path / "lost")

        fetched = act(service, "fetch-backup", backup=job["id"], source="nas")

        assert fetched["state"] == "succeeded", fetched["error"]
        got = unpacked(service, job["id"], "/Ann.txt", tmp_path / "Ann.txt")
        assert got.read_bytes() == (made / "windows/Ann.txt").read_bytes()
        adopted = service.run("backups", "adopt", str(tmp_path / "lost"))
        assert adopted.stdout.startswith(f"kept  {job['id']}")


def test_missing_path_is_a_warning_when_another_is_there(service: RunningService, kept: Path) -> None:
    job = act(service, "backup", vm=VM, type="file", paths="/none,/etc/hosts,disk9:/x,disk0/p3:/x")

    assert job["state"] == "partial"
    assert job["result"]["file_count"] == 1
    missing = job["result"]["not_found"]
    assert missing == job["result"]["warnings"]
    assert [each[:30] for each in missing] == [
        "There is no none in the folder",
        "There is no volume disk9.",
        "The volume disk0/p3 has no fil",
    ]
    assert service.call("GET", f"/backups/{job['id']}")[1]["not_found"] == missing


@pytest.mark.parametrize(
    ("vm", "paths", "says"),
    [
        (VM, "/none,/nothing", "There is no none in the folder /, for /none. There is no nothing in"),
        (LOCKED, "", "no volume whose files can be read. disk0: "),
        (VM, "disk0/p3:/", "The volume disk0/p3 has no files that can be read: "),
    ],
)
def test_nothing_to_keep_leaves_nothing(service: RunningService, kept: Path, vm: str, paths: str, says: str) -> None:
    failed = act(service, "backup", vm=vm, type="file", paths=paths)

    assert failed["state"] == "failed"
    assert says in failed["error"]["detail"]
    assert not (kept / vm / failed["id"]).exists()


def test_bad_requests_are_refused_before_the_snapshot(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.reset_calls()
    assert "up to twice what the VM uses" in checked(service, "backup", vm=VM, type="file")["files-room"]["message"]
    assert "`..`" in refused(service, "backup", vm=VM, type="file", paths="/etc/../root")
    assert "type=file" in refused(service, "backup", vm=VM, paths="/etc")
    assert service.run("backup", VM, "--path", "/etc").returncode == 2
    assert "A save profile gets whole disks" in refused(service, "backup", vm=VM, type="file", save="nightly")
    assert "type=file" in refused(service, "fleet", vms="all", params={"paths": "/etc"})
    assert vcenter.count("CreateSnapshot_Task") == 0
