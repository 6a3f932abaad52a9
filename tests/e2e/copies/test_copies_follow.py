"""Copies that follow each backup, their retention, and what doctor says of the targets; with a simulated vCenter."""

from __future__ import annotations

import hashlib
import shutil
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.actions import act, checked, details, refused
from tests.e2e.conftest import VM
from tests.peers.disks import make_vmdk, read_vmdk
from tests.peers.fetch import require
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings
from tests.signed_packages import keep_signed

NOW = datetime.now(UTC)
PRUNE = {"last": 100, "daily": 0, "weekly": 0, "monthly": 0}


def config(folder: Path) -> str:
    """Two directories that each backup is copied to, one that refuses removals, and one that is not there."""
    found = ['VMKOPS_COPY_TO = "near far"\n', f'[save.tape]\nkind = "tar"\nrepository = "{folder / "tape"}"\n']
    for name, more in {"near": 'keep = "2"', "far": "", "away": 'keep = "1"'}.items():
        found.append(f'[copy.{name}]\nkind = "directory"\npath = "{folder / name}"\n{more}\n')
    found.append(
        f'[copy.locked]\nkind = "rclone"\nremote = "locked:{folder / "locked"}"\nkeep = "1"\n'
        f'config_file = "{folder / "rclone.conf"}"\nprogram = "{folder / "rclone"}"\n'
    )
    return "\n".join(found)


REFUSING = """#!/bin/sh
case " $* " in *" delete "*) echo 'AccessDenied: the object is locked' >&2; exit 1;; esac
exec {} "$@"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made, rclone = tmp_path_factory.mktemp("follow"), require("rclone")
    for name in ("near", "far", "locked", "tape"):
        (made / name).mkdir()
    (made / "rclone").write_text(REFUSING.format(rclone))
    (made / "rclone").chmod(0o700)
    (made / "rclone.conf").write_text("[locked]\ntype = local\n")
    (made / "rclone.conf").chmod(0o600)
    (made / "vmkops.toml").write_text(config(made))
    return made


@pytest.fixture(scope="module")
def vcenter(folder: Path) -> Iterator[Vcsim]:
    require("vcsim")
    require("qemu-img")
    with Vcsim() as server:
        disk = make_vmdk(folder / "disk.vmdk", size_mb=12, seed=9, filled=0.5)
        server.put_disk(server.vm(VM)["disks"][0]["path"], disk)
        yield server


@pytest.fixture(scope="module")
def service(folder: Path, vcenter: Vcsim) -> Iterator[RunningService]:
    settings = vcenter_settings(vcenter) | {"VMKOPS_CONFIG": str(folder / "vmkops.toml")}
    with RunningService(folder / "data", settings) as running:
        yield running


def copied(service: RunningService, job: dict[str, Any]) -> dict[str, str]:
    """Wait for the jobs that copy a backup; their states by target."""
    return {each["to"]: service.ended(each["job"])["state"] for each in job["result"]["copies"]}


def test_each_backup_is_copied_to_each_target_and_comes_back(
    service: RunningService, vcenter: Vcsim, folder: Path, tmp_path: Path
) -> None:
    backup = act(service, "backup", vm=VM)

    assert backup["state"] == "succeeded", backup
    assert copied(service, backup) == {"near": "succeeded", "far": "succeeded"}
    _, kept = service.call("GET", f"/backups/{backup['id']}")
    assert [copy["target"] for copy in kept["copies"]] == ["far", "near"]
    shutil.rmtree(kept["path"])
    assert act(service, "fetch-backup", backup=backup["id"], source="far")["state"] == "succeeded"
    assert act(service, "verify-backup", backup=backup["id"])["state"] == "succeeded"
    restored = act(service, "restore", backup=backup["id"])
    assert restored["state"] == "succeeded", restored
    made = vcenter.vm(restored["result"]["vm"]["name"])
    (tmp_path / "sent.vmdk").write_bytes(vcenter.read_disk(made["disks"][0]["path"]))
    assert read_vmdk(tmp_path / "sent.vmdk") == read_vmdk(folder / "disk.vmdk")


def test_backup_of_a_fleet_is_copied_too(service: RunningService, folder: Path) -> None:
    fleet = act(service, "fleet", vms=f"name:{VM}", params={"copy_to": "far"})

    assert fleet["state"] == "succeeded", fleet
    (backup,) = (each["job"] for each in fleet["result"]["done"])
    _, job = service.call("GET", f"/jobs/{backup}")
    assert copied(service, job) == {"far": "succeeded"}
    assert (folder / "far" / backup / "backup.json").exists()
    _, parent = service.call("GET", f"/jobs/{fleet['id']}")
    assert parent["children"] == [backup]


def test_copies_follow_after_kill_9_at_the_end_of_the_backup(service: RunningService, folder: Path) -> None:
    backup = service.backup(VM)["id"]
    packages = service.data_dir / "backups"
    wait_for(lambda: list(packages.glob(f"*/{backup}")), timeout=120, what="the package", explain=service.log)

    service.kill(signal.SIGKILL)
    service.start()
    ended = service.ended(backup)

    assert ended["state"] == "succeeded", ended
    assert copied(service, ended) == {"near": "succeeded", "far": "succeeded"}
    assert [each["job"] for each in ended["result"]["copies"]] == [f"{backup}-0000", f"{backup}-0001"]


def test_choice_of_targets_is_shown_and_checked(service: RunningService, folder: Path) -> None:
    by_default = checked(service, "backup", vm=VM)
    none = checked(service, "backup", vm=VM, copy_to="none")
    away = act(service, "backup", vm=VM, copy_to="away")

    assert "A copy goes to" in by_default["copy-to"]["message"]
    assert by_default["same-disk"]["message"].startswith(f"{folder / 'far'} is on the same file system as the backups")
    assert [each for each in away["warnings"] if "There is no directory" in each], away["warnings"]
    assert "copy-to" not in none
    assert "same-disk" not in none
    assert "Did you mean near?" in refused(service, "backup", vm=VM, copy_to="neer")
    assert "copy-to" not in checked(service, "backup", vm=VM, save="tape")
    assert checked(service, "backup", vm=VM, save="tape", copy_to="far")["copy-to"]["severity"] == "refuse"
    assert away["state"] == "partial", away
    assert "There is no directory" in away["result"]["copies"][0]["why"]


def test_retention_of_each_target_keeps_its_own_and_says_what_it_cannot_remove(
    service: RunningService, folder: Path
) -> None:
    ids = [f"aged{day:012x}" for day in (9, 6, 3, 1)]
    for id_, day in zip(ids, (9, 6, 3, 1), strict=True):
        keep_signed(service.data_dir, id_, NOW - timedelta(days=day), vm="aged")
        for target in ("near", "far", "locked"):
            assert act(service, "copy-backup", backup=id_, to=target)["state"] == "succeeded"
    other = folder / "near" / "feedfeedfeedfeed"
    shutil.copytree(folder / "near" / ids[0], other)
    (other / "backup.json.sig").write_bytes(bytes(64))

    preview = service.call("POST", "/actions/prune-backups/check", {"params": {"vm": "aged", **PRUNE}})[1]
    pruned = act(service, "prune-backups", vm="aged", **PRUNE)

    going = [each["message"] for each in preview["checks"] if each["rule"] == "copy-goes"]
    assert {message.partition(":")[0] for message in going} == {"near", "locked"}
    staying = {
        each["message"].partition(":")[0]: each["message"]
        for each in preview["checks"]
        if each["rule"] == "copies-stay"
    }
    assert staying["locked"] == "locked: 1 copy stays there."
    assert staying["near"] == "near: 2 copies stay there."
    by_target = {each["to"]: each for each in pruned["result"]["copies"]}
    assert pruned["state"] == "partial", pruned
    assert by_target.keys() == {"near", "away", "locked"}
    assert sorted(by_target["near"]["removed"]) == sorted(ids[:2])
    assert sorted(by_target["locked"]["refused"]) == sorted(ids[:3])
    assert "refuses the credentials, or what they may do" in details(pruned)
    assert by_target["away"]["why"]
    assert sorted(each.name for each in (folder / "far").glob("aged*")) == sorted(ids)
    assert sorted(each.name for each in (folder / "near").glob("aged*")) == sorted(ids[2:])
    assert other.exists()
    _, kept = service.call("GET", f"/backups/{ids[0]}")
    assert [copy["target"] for copy in kept["copies"]] == ["far", "locked"]


def test_last_good_copy_stays_when_newer_ones_are_not_whole(service: RunningService, folder: Path) -> None:
    ids = [f"torn{day:012x}" for day in (5, 3, 1)]
    for id_, day in zip(ids, (5, 3, 1), strict=True):
        keep_signed(service.data_dir, id_, NOW - timedelta(days=day), vm="torn")
        assert act(service, "copy-backup", backup=id_, to="near")["state"] == "succeeded"
    for id_ in ids[1:]:
        (folder / "near" / id_ / "torn-disk-0.vmdk").write_bytes(b"short")

    act(service, "prune-backups", vm="torn", **PRUNE)

    assert (folder / "near" / ids[0] / "torn-disk-0.vmdk").exists()
    _, listed = service.call("GET", "/copies/near?vm=torn")
    assert [each["state"] for each in listed["backups"]] == ["broken", "broken", "verified"]


def test_doctor_looks_at_each_target_and_each_save_profile(service: RunningService, folder: Path) -> None:
    restic = require("restic")
    (folder / "password").write_text("secret-of-restic\n")
    (folder / "password").chmod(0o600)
    more = "".join(
        f'[save.{name}]\nkind = "restic"\nrepository = "{folder / name}"\npassword_file = "{folder / "password"}"\n'
        f'program = "{program}"\n'
        for name, program in {"disks": restic, "empty": restic, "absent": "no-such-restic"}.items()
    )
    own = folder / "doctor.toml"
    own.write_text(f'{config(folder)}{more}[save.mine]\nkind = "command"\ncommand = "cat > /dev/null"\n')
    words = [str(restic), "--repo", str(folder / "disks"), "--password-file", str(folder / "password"), "init"]
    subprocess.run([*words, "--quiet"], check=True)
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in folder.glob("near/*/*")}

    done = service.run("doctor", VMKOPS_CONFIG=str(own))

    lines = {" ".join(line.partition(":")[0].split()): line for line in done.stdout.splitlines()}
    assert done.returncode == 1, done.stdout
    assert "can be read (restic " in lines["save disks ok"]
    assert lines["save tape ok"].endswith(")")
    assert "no-such-restic is not installed" in lines["save absent failed"]
    assert "exit status" in lines["save empty failed"]
    assert "a command of your own" in lines["save mine -"]
    assert "on the same file system as the backups" in lines["copy near warning"]
    assert "can be read (rclone v" in lines["copy locked ok"]
    assert "There is no directory" in lines["copy away failed"]
    assert {path: hashlib.sha256(path.read_bytes()).digest() for path in folder.glob("near/*/*")} == before
