"""Backups whose disks go to a save profile: restic and borg from Debian, tar, and a team's own command."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.actions import act, checked, refused
from tests.e2e.conftest import VM
from tests.peers.disks import make_vmdk, read_vmdk
from tests.peers.fetch import require
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings

SIZE_MB = 24
FAILING = {
    "hangs": ("sleep 4321", "has read nothing for 5 seconds"),
    "fails": ("head -c 3000000 > /dev/null; echo the tape is torn >&2; exit 5", "exit status 5 .*the tape is torn"),
    "leaves": ("head -c 100 > /dev/null", "exit status 0 before it had read the whole disk"),
    "chatters": ("cat > /dev/null; head -c 300M /dev/zero | tr '\\0' x; echo the end; exit 3", "x / ?the end|xthe end"),
    "full": ("cat > /dev/full", "No space left on device"),
    "reveals": ("cat > /dev/null; printf '\\033[31m%s' $STORE_TOKEN >&2; exit 9", r"exit status 9 .*\[31mREDACTED"),
    "absent": ("no-such-program-at-all", "no-such-program-at-all"),
}
"""Commands that fail, and what is said of each."""
PASSWORD = "correct-horse-battery"
STORES = ("restic", "borg", "tar", "own")


class Saved:
    """A service with four save profiles, and what is behind them."""

    def __init__(self, service: RunningService, vcenter: Vcsim, folder: Path, disk: Path) -> None:
        self.service = service
        self.vcenter = vcenter
        self.folder = folder
        self.disk = disk

    def put(self, disk: Path) -> bytes:
        """Give the VM this disk and return what the guest sees."""
        self.vcenter.put_disk(self.vcenter.vm(VM)["disks"][0]["path"], disk)
        return read_vmdk(disk)

    def backup(self, profile: str, **params: Any) -> dict[str, Any]:
        """A backup with this profile that has ended."""
        return self.service.ended(self.service.backup(VM, save=profile, **params)["id"])

    def run(self, *words: str) -> bytes:
        """The output of restic or borg."""
        variables = {
            "RESTIC_REPOSITORY": str(self.folder / "restic"),
            "RESTIC_PASSWORD_FILE": str(self.folder / "password"),
            "BORG_REPO": str(self.folder / "borg"),
            "BORG_PASSCOMMAND": f"cat {self.folder / 'password'}",
            "BORG_BASE_DIR": str(self.folder),
        }
        done = subprocess.run(
            [str(require(words[0])), *words[1:]], env=os.environ | variables, capture_output=True, check=True
        )
        return done.stdout

    def archives(self, profile: str) -> list[str]:
        """The ids of all archives in the store."""
        if profile == "restic":
            return [each["id"] for each in json.loads(self.run("restic", "--json", "snapshots")) or []]
        if profile == "borg":
            listed = json.loads(self.run("borg", "list", "--json", "--consider-checkpoints"))
            return [each["name"] for each in listed["archives"]]
        return sorted(each.name for each in (self.folder / profile).iterdir())


def config(folder: Path) -> str:
    """The save profiles, as a team writes them."""
    own = folder / "own"
    return f"""
[save.restic]
kind = "restic"
repository = "{folder / "restic"}"
password_file = "{folder / "password"}"
program = "{require("restic")}"
environment = {{ RESTIC_CACHE_DIR = "{folder / "cache"}" }}

[save.borg]
kind = "borg"
repository = "{folder / "borg"}"
password_file = "{folder / "password"}"
program = "{require("borg")}"
environment = {{ BORG_BASE_DIR = "{folder}" }}

[save.tar]
kind = "tar"
repository = "{folder / "tar"}"

[save.own]
kind = "command"
command = "env > {folder}/environment; gzip --fast > {own}/$VMKOPS_ARCHIVE"
restore = "gunzip < {own}/$VMKOPS_ARCHIVE"
forget = "rm -f {own}/$VMKOPS_ARCHIVE"
environment_files = {{ STORE_TOKEN = "{folder / "password"}" }}
{"".join(_failing(folder, name, command) for name, (command, _) in FAILING.items())}
[save.untidy]
kind = "command"
command = "setsid sleep 4321 & cat > /dev/null"
"""


def _failing(folder: Path, name: str, command: str) -> str:
    secret = f'environment_files = {{ STORE_TOKEN = "{folder / "password"}" }}'
    return f'[save.{name}]\nkind = "command"\ncommand = {json.dumps(command)}\nidle_seconds = 5\n{secret}\n'


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Saved]:
    """The service, and a disk."""
    for peer in ("restic", "borg", "vcsim", "qemu-img"):
        require(peer)
    folder = tmp_path_factory.mktemp("save")
    (folder / "own").mkdir()
    (folder / "tar").mkdir()
    (folder / "password").write_text(f"{PASSWORD}\n")
    (folder / "vmkops.toml").write_text(config(folder))
    disk = make_vmdk(folder / "disk.vmdk", size_mb=SIZE_MB, seed=5, filled=0.5)
    with Vcsim() as vcenter:
        settings = vcenter_settings(vcenter) | {"VMKOPS_CONFIG": str(folder / "vmkops.toml")}
        with RunningService(folder / "data", settings) as service:
            made = Saved(service, vcenter, folder, disk)
            made.run("restic", "init")
            made.run("borg", "init", "--encryption", "repokey-blake2")
            yield made


def is_clean(saved: Saved) -> bool:
    """Whether no snapshot and no open lease is left."""
    states = {lease["state"] for lease in saved.vcenter.leases()}
    return saved.vcenter.snapshots() == {} and states <= {"done", "aborted"}


@pytest.mark.parametrize("profile", ["restic", "borg"])
def test_second_backup_of_a_slightly_changed_vm_adds_little_to_the_store(
    saved: Saved, profile: str, tmp_path: Path
) -> None:
    results, contents = [], []
    # Other contents than in the rest of the tests, which may have saved theirs already.
    disks = [
        make_vmdk(tmp_path / f"disk-{changed}.vmdk", size_mb=SIZE_MB, seed=41, filled=0.5, changed=changed)
        for changed in (0, 1)
    ]
    for disk in disks:
        contents.append(saved.put(disk))
        job = saved.backup(profile)
        assert job["state"] == "succeeded", job
        results.append(job["result"])

    for result, content in zip(results, contents, strict=True):
        (kept,) = result["disks"]
        assert (kept["size"], kept["sha256"]) == (SIZE_MB << 20, hashlib.sha256(content).hexdigest())
        assert result["saved_with"] == profile
    first, second = (result["added_bytes"] for result in results)
    assert first > SIZE_MB << 19
    # restic cuts in places that each repository chooses anew, into chunks of up to 8 MiB.
    assert second < first * 3 / 4
    assert results[1]["deduplication"] > 1.3 * results[0]["deduplication"]
    assert is_clean(saved)


@pytest.mark.parametrize("profile", STORES)
def test_backup_in_a_store_is_listed_verified_and_readable_with_the_stores_own_program(
    saved: Saved, profile: str
) -> None:
    content = saved.put(saved.disk)
    job = saved.backup(profile)
    assert job["state"] == "succeeded", job
    package = Path(job["result"]["package"])

    assert not list(package.glob("*.vmdk"))
    _, kept = saved.service.call("GET", f"/backups/{job['id']}")
    assert kept["state"] == "unverified"
    (disk,) = kept["saved"]["disks"]
    assert disk["path"] == f"{kept['vm']['uuid']}/disk-0.raw"
    back = {
        "restic": lambda: saved.run("restic", "dump", disk["archive"], f"/{disk['path']}"),
        "borg": lambda: saved.run("borg", "extract", "--stdout", f"::{disk['archive']}", disk["path"]),
        "tar": lambda: (
            subprocess.run(
                ["tar", "-xOf", str(saved.folder / "tar" / disk["archive"]), disk["path"]],
                capture_output=True,
                check=True,
            ).stdout
        ),
        "own": lambda: gzip.decompress((saved.folder / "own" / disk["archive"]).read_bytes()),
    }
    assert back[profile]() == content
    verified = act(saved.service, "verify-backup", backup=job["id"])
    assert verified["state"] == "succeeded", verified
    assert saved.service.call("GET", f"/backups/{job['id']}")[1]["state"] == "verified"


def test_pruned_backup_leaves_the_store_too(saved: Saved) -> None:
    saved.put(saved.disk)
    for profile in ("restic", "borg", "tar"):
        jobs = [saved.backup(profile) for _ in range(2)]
        verified = act(saved.service, "verify-backup", backup=jobs[1]["id"])
        assert verified["state"] == "succeeded", verified
        before = saved.archives(profile)
        own = [
            each["saved"]["disks"][0]["archive"]
            for each in (saved.service.call("GET", f"/backups/{job['id']}")[1] for job in jobs)
        ]

        pruned = act(saved.service, "prune-backups", last=1, daily=0, weekly=0, monthly=0)

        assert pruned["state"] == "succeeded", pruned
        assert jobs[0]["id"] in pruned["result"]["removed"]
        after = saved.archives(profile)
        assert own[0] in before
        assert own[0] not in after
        assert own[1] in after


def test_disk_that_is_gone_from_the_store_makes_the_backup_damaged(saved: Saved) -> None:
    saved.put(saved.disk)
    job = saved.backup("restic")
    _, kept = saved.service.call("GET", f"/backups/{job['id']}")
    saved.run("restic", "forget", kept["saved"]["disks"][0]["archive"])

    verified = act(saved.service, "verify-backup", backup=job["id"])

    assert verified["state"] == "failed"
    assert "cannot be read back from the store" in verified["error"]["detail"]
    assert saved.service.call("GET", f"/backups/{job['id']}")[1]["state"] == "damaged"


def processes(words: str) -> list[str]:
    """The processes with these words in their command line or environment."""
    found = []
    for item in Path("/proc").iterdir():
        if item.name.isdigit():
            with contextlib.suppress(OSError):
                text = (item / "cmdline").read_bytes() + (item / "environ").read_bytes()
                if words.encode() in text:
                    found.append(f"{item.name}: {(item / 'cmdline').read_bytes()!r}")
    return found


@pytest.mark.parametrize("profile", FAILING)
def test_save_command_that_fails_is_contained(saved: Saved, profile: str) -> None:
    saved.put(saved.disk)

    job = saved.backup(profile)

    assert job["state"] == "failed"
    assert re.search(FAILING[profile][1], job["error"]["detail"]), job["error"]["detail"]
    assert len(job["error"]["detail"]) < 800
    assert PASSWORD not in json.dumps(job)
    assert "\\u001b" not in json.dumps(job)
    assert is_clean(saved)
    assert processes(f"VMKOPS_JOB_ID={job['id']}") == []
    assert not list((saved.service.data_dir / "backups").glob(f"*/{job['id']}*"))


def test_processes_that_a_save_command_leaves_behind_are_ended(saved: Saved) -> None:
    saved.put(saved.disk)

    job = saved.backup("untidy")

    assert job["state"] == "succeeded", job
    assert processes(f"VMKOPS_JOB_ID={job['id']}") == []


@pytest.mark.parametrize("profile", ["restic", "borg"])
def test_service_that_is_killed_leaves_no_command_and_one_archive(saved: Saved, profile: str) -> None:
    saved.put(saved.disk)
    saved.vcenter.nfc(stall_after_bytes=5_000_000)
    job_id = saved.service.backup(VM, save=profile)["id"]
    wait_for(lambda: processes(f"VMKOPS_JOB_ID={job_id}"), timeout=120, what="the save command")

    saved.service.kill()

    wait_for(lambda: not processes(f"VMKOPS_JOB_ID={job_id}"), timeout=60, what="the end of the save command")
    saved.vcenter.reset_nfc()
    saved.service.start()
    job = saved.service.ended(job_id)
    assert job["state"] == "succeeded", job
    (disk,) = saved.service.call("GET", f"/backups/{job_id}")[1]["saved"]["disks"]
    if profile == "restic":
        listed = json.loads(saved.run("restic", "--json", "snapshots", "--tag", f"job-{job_id}"))
        assert [each["id"] for each in listed] == [disk["archive"]]
    else:
        assert [each for each in saved.archives("borg") if job_id in each] == [disk["archive"]]
    assert is_clean(saved)


def test_cancelled_backup_ends_its_save_command(saved: Saved) -> None:
    saved.put(saved.disk)
    saved.vcenter.nfc(stall_after_bytes=5_000_000)
    job_id = saved.service.backup(VM, save="restic")["id"]
    wait_for(lambda: processes(f"VMKOPS_JOB_ID={job_id}"), timeout=120, what="the save command")

    saved.service.call("POST", f"/jobs/{job_id}/cancel")

    job = saved.service.ended(job_id)
    saved.vcenter.reset_nfc()
    assert job["state"] == "cancelled"
    assert processes(f"VMKOPS_JOB_ID={job_id}") == []
    assert json.loads(saved.run("restic", "--json", "snapshots", "--tag", f"job-{job_id}")) == []
    assert is_clean(saved)


def test_command_gets_the_documented_variables_and_no_setting_of_the_service(saved: Saved) -> None:
    saved.put(saved.disk)
    job = saved.backup("own")
    lines = (saved.folder / "environment").read_text().splitlines()
    variables = dict(line.split("=", 1) for line in lines if "=" in line)

    vm = saved.vcenter.vm(VM)
    assert {name: value for name, value in variables.items() if name.startswith("VMKOPS_")} == {
        "VMKOPS_VM_NAME": VM,
        "VMKOPS_VM_UUID": vm["uuid"],
        "VMKOPS_VM_MOREF": vm["moref"],
        "VMKOPS_VM_VCENTER": "default",
        "VMKOPS_JOB_ID": job["id"],
        "VMKOPS_DISK_NAME": f"{vm['uuid']}/disk-0.raw",
        "VMKOPS_DISK_SIZE": str(SIZE_MB << 20),
        "VMKOPS_BACKUP_TIME": variables["VMKOPS_BACKUP_TIME"],
        "VMKOPS_ARCHIVE": variables["VMKOPS_ARCHIVE"],
    }
    assert variables["STORE_TOKEN"] == PASSWORD


def test_dry_run_says_where_the_disks_go_and_an_unknown_profile_names_the_near_one(saved: Saved) -> None:
    assert "restic" in checked(saved.service, "backup", vm=VM, save="restic")["save-to"]["message"]
    assert "save-to" not in checked(saved.service, "backup", vm=VM, save="none")
    assert "Did you mean restic?" in refused(saved.service, "backup", vm=VM, save="restik")


@pytest.mark.parametrize("profile", STORES)
def test_vm_is_restored_from_the_store(saved: Saved, profile: str, tmp_path: Path) -> None:
    content = saved.put(saved.disk)
    backup = saved.backup(profile)

    job = act(saved.service, "restore", backup=backup["id"])

    assert job["state"] == "succeeded", job
    made = saved.vcenter.vm(job["result"]["vm"]["name"])
    (tmp_path / "sent.vmdk").write_bytes(saved.vcenter.read_disk(made["disks"][0]["path"]))
    assert read_vmdk(tmp_path / "sent.vmdk") == content
    assert job["progress"]["done"] == job["progress"]["total"] == SIZE_MB << 20
    assert processes(f"VMKOPS_JOB_ID={backup['id']}") == []


def test_drill_and_the_restore_of_one_disk_read_from_the_store(saved: Saved) -> None:
    saved.put(saved.disk)
    backup = saved.backup("restic")

    drill = act(saved.service, "restore-drill", backup=backup["id"])
    disk = act(saved.service, "restore-disk", backup=backup["id"], vm="DC0_H0_VM1", disk="1")

    assert drill["state"] == "succeeded", drill
    assert disk["state"] == "succeeded", disk


def test_disk_that_was_changed_in_the_store_is_not_restored_and_nothing_stays(saved: Saved) -> None:
    saved.put(saved.disk)
    backup = saved.backup("tar")
    _, kept = saved.service.call("GET", f"/backups/{backup['id']}")
    archive = saved.folder / "tar" / kept["saved"]["disks"][0]["archive"]
    with archive.open("r+b") as file:
        file.seek(1 << 20)
        file.write(b"changed")
    before = {vm["name"] for vm in saved.vcenter.vms()}

    job = act(saved.service, "restore", backup=backup["id"])

    assert job["state"] == "failed"
    assert job["error"]["type"] == "urn:vmkops:backup-damaged"
    assert "has changed in the store of the save profile tar" in job["error"]["detail"]
    assert {vm["name"] for vm in saved.vcenter.vms()} == before
