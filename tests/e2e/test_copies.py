"""Further copies of backups: in a directory, on S3, on S3 encrypted, and behind SFTP, with rclone."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.actions import act, begin, checked, details, refused, text
from tests.peers.fetch import require
from tests.peers.loop_mount import small_disk
from tests.peers.s3_server import S3Server
from tests.peers.sftp_server import SftpServer
from tests.running_service import RunningService
from tests.signed_packages import keep_signed

NOW = datetime.now(UTC)
TARGETS = ("nas", "s3", "crypt", "sftp")
SHORT = ("absent", "hangs", "chatters")
LARGE = 48 << 20


def content(size: int, seed: int) -> bytes:
    """Bytes that do not compress and that nothing else has."""
    return random.Random(seed).randbytes(size)


class Copies:
    """A service without a vCenter, and its copy targets."""

    def __init__(self, service: RunningService, folder: Path, s3: S3Server, rclone: Path) -> None:
        self.service = service
        self.folder = folder
        self.s3 = s3
        self._rclone = rclone
        self._made = 0

    def keep(
        self, *, size: int = 300_000, age: int = 0, vm: str = "web", id_: str = "", **about: Any
    ) -> tuple[str, Path]:
        """A kept backup that is so many days old; its id and its folder."""
        self._made += 1
        id_ = id_ or f"{self._made:04x}{random.randbytes(6).hex()}"
        made = NOW - timedelta(days=age, minutes=1)
        return id_, keep_signed(self.service.data_dir, id_, made, vm=vm, content=content(size, self._made), **about)

    def rclone(self, *words: str) -> str:
        """What rclone prints."""
        environment = os.environ | {"RCLONE_CONFIG": str(self.folder / "rclone.conf")}
        done = subprocess.run([str(self._rclone), *words], env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    def at(self, target: str) -> str:
        """Where the copies of a target are, for rclone."""
        return {
            "nas": str(self.folder / "nas"),
            "s3": "s3:vms/copies",
            "crypt": "crypt:copies",
            "sftp": "sftp:copies",
        }[target]

    def sums(self, target: str, backup: str) -> dict[str, str]:
        """The SHA-256 of each file of a copy, by its name."""
        lines = self.rclone("hashsum", "sha256", "--download", f"{self.at(target)}/{backup}").splitlines()
        return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def config(folder: Path, rclone: Path) -> str:
    """The copy targets, as a team writes them."""
    found = [
        f'[copy.{name}]\nkind = "directory"\npath = "{folder / path}"\nidle_seconds = 60\n'
        for name, path in {"nas": "nas", "small": "disk/data"}.items()
    ]
    program = {
        "absent": "no-such-program-at-all",
        "hangs": f"{folder / 'hangs'}",
        "chatters": f"{folder / 'chatters'}",
        "slow": f"{rclone} --bwlimit 4M",
    }
    where = {"s3": "s3:vms/copies", "crypt": "crypt:copies", "sftp": "sftp:copies", "refused": "refused:vms"}
    where |= {"locked": "s3:locked/copies"} | dict.fromkeys(program, "s3:vms/other")
    keep = {"locked": 'keep = "1"\n'}
    for name, remote in where.items():
        found.append(
            f'[copy.{name}]\nkind = "rclone"\nremote = "{remote}"\nconfig_file = "{folder / "rclone.conf"}"\n'
            f'program = "{program.get(name, rclone)}"\n{keep.get(name, "")}'
            f"idle_seconds = {5 if name in SHORT else 60}\n"
        )
    return "\n".join(found)


def remotes(folder: Path, s3: S3Server, sftp: SftpServer, rclone: Path) -> str:
    """The remotes of rclone."""
    secret = subprocess.run(
        [str(rclone), "obscure", "correct-horse-battery"], capture_output=True, text=True, check=True
    ).stdout.strip()
    s3_words = f"type = s3\nprovider = Other\nendpoint = {s3.url}\naccess_key_id = {s3.key_id}\n"
    port = next(line.split()[1] for line in sftp.config.read_text().splitlines() if line.startswith("Port"))
    return (
        f"[s3]\n{s3_words}secret_access_key = {s3.key}\n\n"
        f"[refused]\n{s3_words}secret_access_key = wrong\n\n"
        f"[crypt]\ntype = crypt\nremote = s3:secret\npassword = {secret}\n\n"
        f"[sftp]\ntype = sftp\nhost = 127.0.0.1\nport = {port}\nuser = vmkops\n"
        f"key_file = {sftp.config.with_name('person')}\nknown_hosts_file = {sftp.config.with_name('known')}\n"
        "shell_type = none\n"
    )


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copies]:
    """The service, and what is behind its targets."""
    for peer in ("weed", "curl", "asyncssh", "ssh"):
        require(peer)
    folder, rclone = tmp_path_factory.mktemp("copies"), require("rclone")
    (folder / "nas").mkdir()
    for name, words in (("hangs", "exec sleep 54329"), ("chatters", "printf '\\033[31mboom' >&2; exit 7")):
        (folder / name).write_text(f"#!/bin/sh\n{words}\n")
        (folder / name).chmod(0o700)
    with S3Server() as s3, SftpServer() as sftp:
        s3.make_locked_bucket("locked")
        (folder / "rclone.conf").write_text(remotes(folder, s3, sftp, rclone))
        (folder / "rclone.conf").chmod(0o600)
        (folder / "vmkops.toml").write_text(config(folder, rclone))
        with RunningService(folder / "data", {"VMKOPS_CONFIG": str(folder / "vmkops.toml")}) as service:
            yield Copies(service, folder, s3, rclone)


@pytest.mark.parametrize("target", TARGETS)
def test_copy_has_every_byte_and_is_shown(copies: Copies, target: str) -> None:
    id_, folder = copies.keep()

    job = act(copies.service, "copy-backup", backup=id_, to=target)

    assert job["state"] == "succeeded", job
    whole = sum(item.stat().st_size for item in folder.iterdir() if not item.name.startswith("copied."))
    assert (job["result"]["size"], job["result"]["all_files_bytes"]) == (len(disk_of(folder)), whole)
    package = {item.name for item in folder.iterdir()} - {f"copied.{target}.json"}
    wanted = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in package}
    assert copies.sums(target, id_) == wanted
    _, kept = copies.service.call("GET", f"/backups/{id_}")
    assert [(copy["target"], copy["job"]) for copy in kept["copies"]] == [(target, job["id"])]
    assert f"copy at {target}: made" in text(copies.service, f"/backups/{id_}")


def test_encrypted_copy_shows_neither_names_nor_bytes(copies: Copies) -> None:
    id_, folder = copies.keep()
    assert act(copies.service, "copy-backup", backup=id_, to="crypt")["state"] == "succeeded"

    names = copies.rclone("lsf", "--recursive", "s3:secret")
    raw = copies.folder / f"raw-{id_}"
    copies.rclone("copy", "s3:secret", str(raw))

    assert id_ not in names
    assert "vmdk" not in names
    sample = (folder / "web-disk-0.vmdk").read_bytes()[1000:1064]
    assert all(sample not in item.read_bytes() for item in raw.rglob("*") if item.is_file())


@pytest.mark.parametrize("target", ["nas", "s3", "sftp"])
def test_copy_goes_on_after_kill_9_and_is_never_taken_for_whole_before(copies: Copies, target: str) -> None:
    id_, folder = copies.keep(size=LARGE)
    job = begin(copies.service, "copy-backup", backup=id_, to=target)
    copies.service.reading(job)

    copies.service.kill(signal.SIGKILL)
    names = copies.rclone("lsf", copies.at(target), "--recursive").split()
    copies.service.start()
    ended = copies.service.ended(job)

    assert f"{id_}/backup.json" not in names, "the copy was whole before the kill"
    assert ended["state"] == "succeeded", ended
    found = copies.sums(target, id_)
    assert found["web-disk-0.vmdk"] == hashlib.sha256((folder / "web-disk-0.vmdk").read_bytes()).hexdigest()
    assert "backup.json" in found


def test_warning_of_the_dry_run_is_shown_when_the_job_starts_and_kept_with_it(copies: Copies) -> None:
    id_, _ = copies.keep()
    message = f"{copies.folder / 'nas'} is on the same file system as the backups, so both can be lost together."

    dry = copies.service.run("action", "copy-backup", id_, "to=nas", "--dry-run")
    real = copies.service.run("action", "copy-backup", id_, "to=nas")
    _, answered = copies.service.call("POST", "/actions/copy-backup", {"params": {"backup": id_, "to": "nas"}})
    copies.service.ended(answered["id"])
    shown = copies.service.run("jobs", answered["id"])

    assert f"warn    {message}" in dry.stdout
    started, warned = real.stderr.splitlines()[:2]
    assert started.startswith("job ")
    assert warned.startswith(f"warn    {message}")
    assert [each.startswith(message) for each in answered["warnings"]] == [True], answered
    assert f"  warning     {message}" in shown.stdout


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("refused", "refuses the credentials"),
        ("hangs", "within 5 seconds, so its command was stopped"),
        ("chatters", r"It said: [31mboom"),
    ],
)
def test_target_that_fails_is_explained(copies: Copies, target: str, words: str) -> None:
    id_, _ = copies.keep()

    job = act(copies.service, "copy-backup", backup=id_, to=target)

    assert (job["state"], job["error"]["type"]) == ("failed", "urn:vmkops:target-failed"), job
    assert words in job["error"]["detail"]
    assert "\033" not in json.dumps(job, ensure_ascii=False)
    _, kept = copies.service.call("GET", f"/backups/{id_}")
    assert kept["copies"] == []
    assert not [words for words in commands() if "sleep 54329" in words]


def test_copy_that_cannot_be_is_refused_before_anything_happens(copies: Copies) -> None:
    id_, folder = copies.keep()

    assert "needs no-such-program-at-all" in refused(copies.service, "copy-backup", backup=id_, to="absent")
    assert "Did you mean nas?" in refused(copies.service, "copy-backup", backup=id_, to="nsa")
    (folder / "backup.json.sig").unlink()
    assert "signature is missing" in refused(copies.service, "copy-backup", backup=id_, to="nas")
    (folder / "web-disk-0.vmdk").unlink()
    assert "is broken" in refused(copies.service, "copy-backup", backup=id_, to="nas")


def test_backup_in_a_store_is_refused_with_the_way_out(copies: Copies) -> None:
    id_, folder = copies.keep()
    record = json.loads((folder / "backup.json").read_text())
    disk = {**record["disks"][0], "archive": "a" * 64, "path": "uuid/disk-0.raw"}
    saved = {"profile": "nightly", "kind": "restic", "repository": "restic, /repository", "disks": [disk]}
    (folder / "backup.json").write_text(json.dumps({**record, "saved": saved}))

    assert "such as restic copy" in refused(copies.service, "copy-backup", backup=id_, to="nas")


def test_repeated_copy_mends_what_the_target_has_changed(copies: Copies) -> None:
    id_, folder = copies.keep()
    assert act(copies.service, "copy-backup", backup=id_, to="nas")["state"] == "succeeded"
    disk = copies.folder / "nas" / id_ / "web-disk-0.vmdk"
    first = (folder / "copied.nas.json").read_text()
    disk.write_bytes(bytes(disk.stat().st_size))

    assert "copied-before" in checked(copies.service, "copy-backup", backup=id_, to="nas")
    again = act(copies.service, "copy-backup", backup=id_, to="nas")

    assert again["state"] == "succeeded", again
    assert "the target has it, with the right SHA-256" in details(again)
    assert disk.read_bytes() == (folder / "web-disk-0.vmdk").read_bytes()
    assert (disk.parent / "backup.json").exists()
    before, after = json.loads(first), json.loads((folder / "copied.nas.json").read_text())
    assert (before["copied_at"], before["verified_at"]) == (after["copied_at"], before["copied_at"])
    assert after["job"] == again["id"]


def test_links_in_the_directory_of_a_target_lead_nowhere(copies: Copies) -> None:
    id_, _ = copies.keep()
    elsewhere = copies.folder / f"elsewhere-{id_}"
    elsewhere.mkdir()
    (copies.folder / "nas" / id_).symlink_to(elsewhere)

    job = act(copies.service, "copy-backup", backup=id_, to="nas")

    assert job["state"] == "failed", job
    assert list(elsewhere.iterdir()) == []


def test_full_target_fails_the_copy_and_keeps_nothing_of_it(copies: Copies) -> None:
    require("tmpfs-mount")
    id_, _ = copies.keep(size=6 << 20)
    with small_disk(copies.folder / "disk", "4m") as small:
        job = act(copies.service, "copy-backup", backup=id_, to="small")
        left = list(small.iterdir())

    assert job["state"] == "failed", job
    assert "The target is full" in job["error"]["detail"]
    assert left == []


def disk_of(folder: Path) -> bytes:
    """The content of the disk of a kept backup."""
    (disk,) = folder.glob("*.vmdk")
    return disk.read_bytes()


def lose(copies: Copies, id_: str) -> bytes:
    """Lose the local folder of a backup, as with its disk; returns the content of its disk."""
    (folder,) = (copies.service.data_dir / "backups").glob(f"*/{id_}")
    disk = (folder / "web-disk-0.vmdk").read_bytes()
    shutil.rmtree(folder)
    return disk


@pytest.mark.parametrize("target", TARGETS)
def test_lost_backup_is_listed_and_fetched(copies: Copies, target: str) -> None:
    id_, folder = copies.keep()
    assert act(copies.service, "copy-backup", backup=id_, to=target)["state"] == "succeeded"
    disk = lose(copies, id_)

    _, listed = copies.service.call("GET", f"/copies/{target}")
    shown = copies.service.run("backups", "--target", target)
    fetched = act(copies.service, "fetch-backup", backup=id_, source=target)

    assert [(each["state"], each["vm"]["name"]) for each in listed["backups"] if each["id"] == id_] == [
        ("verified", "web")
    ]
    assert (shown.returncode, f"{id_}  verified" in shown.stdout) == (0, True)
    assert fetched["state"] == "succeeded", fetched
    assert (folder / "web-disk-0.vmdk").read_bytes() == disk
    _, kept = copies.service.call("GET", f"/backups/{id_}")
    assert (kept["state"], [copy["target"] for copy in kept["copies"]]) == ("unverified", [target])
    assert f"read back from this disk: vmkops action verify-backup {id_}" in fetched["result"]["checked"]
    whole = sum(item.stat().st_size for item in folder.iterdir() if not item.name.startswith("copied."))
    assert (fetched["result"]["size"], fetched["result"]["all_files_bytes"]) == (kept["size"], whole)
    assert "among the kept backups already" in refused(copies.service, "fetch-backup", backup=id_, source=target)


def test_fetch_goes_on_after_kill_9(copies: Copies) -> None:
    id_, folder = copies.keep(size=24 << 20)
    assert act(copies.service, "copy-backup", backup=id_, to="s3")["state"] == "succeeded"
    disk = lose(copies, id_)
    copies.rclone("copy", f"s3:vms/copies/{id_}", f"s3:vms/other/{id_}")
    job = begin(copies.service, "fetch-backup", backup=id_, source="slow")
    copies.service.reading(job)

    copies.service.kill(signal.SIGKILL)
    listed = [each.name for each in (copies.service.data_dir / "backups").glob("*/*") if each.name == id_]
    copies.service.start()
    ended = copies.service.ended(job)

    assert listed == []
    assert ended["state"] == "succeeded", ended
    assert (folder / "web-disk-0.vmdk").read_bytes() == disk


def test_lost_backup_leads_to_the_targets_and_comes_back_by_the_beginning_of_its_id(copies: Copies) -> None:
    id_, folder = copies.keep(vm="lost")
    assert act(copies.service, "copy-backup", backup=id_, to="nas")["state"] == "succeeded"
    shutil.rmtree(folder)
    (copies.folder / "nas" / f"{id_[:5]}zzzzzzzzzzz").mkdir()
    (copies.folder / "nas" / f"{id_[:5]}zzzzzzzzzzz" / "backup.json").touch()
    fetch = ("action", "fetch-backup")

    lost = [
        copies.service.run(*words)
        for words in (
            ("backups", id_),
            ("backups", "newest:lost"),
            ("backups", "--vm", "lost"),
            ("backups", "--state", "damaged"),
            ("action", "restore", id_),
            ("action", "verify-backup", "newest:lost"),
            ("files", id_),
        )
    ]
    short = copies.service.run(*fetch, id_[:3], "source=nas")
    several = copies.service.run(*fetch, id_[:5], "source=nas")
    none = copies.service.run(*fetch, "feed", "source=nas")
    dry = copies.service.run(*fetch, id_[:9], "source=nas", "--dry-run")
    fetched = copies.service.run(*fetch, id_[:9], "source=nas", "--json")

    for done in lost:
        assert "nas, " in done.stderr, done
        assert done.stderr.rstrip().endswith("may have copies: `vmkops backups --target NAME` lists them."), done
    assert (short.returncode, "Give at least 4 characters." in short.stderr) == (1, True), short
    assert (several.returncode, f"{id_}\n" in several.stderr) == (1, True), several
    mend = "`vmkops backups --target nas` lists them."
    assert none.stderr == f"vmkops action: The copy target nas has no backup feed. {mend}\n"
    assert dry.returncode == 0, dry.stderr
    assert f"The backup {id_} is of lost" in dry.stdout
    assert json.loads(fetched.stdout)["state"] == "succeeded", fetched
    assert copies.service.run("backups", "newest:lost").returncode == 0


def test_copies_of_a_fleet_are_found_by_any_beginning_of_their_ids(copies: Copies) -> None:
    fleet = copies.keep(vm="fleet")[0]
    made = [copies.keep(vm="fleet", id_=f"{fleet}-000{number}") for number in range(2)]
    for id_, folder in made:
        assert act(copies.service, "copy-backup", backup=id_, to="nas")["state"] == "succeeded"
        shutil.rmtree(folder)
    fetch = ("action", "fetch-backup")

    several = [copies.service.run(*fetch, word, "source=nas") for word in (fleet[:6], fleet, f"{fleet}-", f"{fleet}-0")]
    dry = copies.service.run(*fetch, f"{fleet}-0001", "source=nas", "--dry-run")

    for done in several:
        assert done.returncode == 1, done
        assert "Several backups at the copy target nas have an id that begins with" in done.stderr
        assert all(f"{id_}\n" in done.stderr for id_, _ in made), done
    assert (dry.returncode, f"The backup {fleet}-0001 is of fleet" in dry.stdout) == (0, True), dry
    shutil.rmtree(copies.folder / "nas" / f"{fleet}-0000")
    one = copies.service.run(*fetch, f"{fleet}-", "source=nas", "--json")
    assert json.loads(one.stdout)["result"]["backup"] == f"{fleet}-0001", one


@pytest.mark.parametrize(("action", "name"), [("fetch-backup", "source"), ("copy-backup", "to")])
def test_target_that_is_not_given_is_asked_for_with_the_names_of_all(copies: Copies, action: str, name: str) -> None:
    done = copies.service.run("action", action, copies.keep()[0], "--dry-run")

    assert done.returncode != 0
    assert f"{name} is missing: The copy target" in done.stderr, done
    assert " There are: " in done.stderr
    assert "nas, " in done.stderr.partition(" There are: ")[2]


def test_one_target_is_named_with_its_command(copies: Copies, tmp_path: Path) -> None:
    (tmp_path / "vmkops.toml").write_text(f'[copy.nas]\nkind = "directory"\npath = "{copies.folder / "nas"}"\n')
    with RunningService(tmp_path / "data", {"VMKOPS_CONFIG": str(tmp_path / "vmkops.toml")}) as service:
        empty = service.run("backups")
        page = text(service, "/backups")
    without = "No backups are kept here. Make one with"
    hint = "The copy target nas may have copies: `vmkops backups --target nas` lists them.\n"

    assert empty.stderr == f"{without}: vmkops backup VM\n{hint}"
    assert page == f"{without} `vmkops backup VM`.\n{hint}"


def test_dry_run_of_a_fetch_looks_at_the_copy_and_at_the_room(copies: Copies, tmp_path: Path) -> None:
    id_, folder = copies.keep()
    assert act(copies.service, "copy-backup", backup=id_, to="nas")["state"] == "succeeded"
    shutil.rmtree(folder)
    settings = {"VMKOPS_CONFIG": str(copies.folder / "vmkops.toml"), "VMKOPS_KEEP_FREE": "1000000"}
    shutil.copytree(copies.service.data_dir / "signing", tmp_path / "data" / "signing")

    good = checked(copies.service, "fetch-backup", backup=id_, source="nas")
    absent = checked(copies.service, "fetch-backup", backup="feedfeedfeedfeed", source="nas")
    with RunningService(tmp_path / "data", settings) as other:
        full = checked(other, "fetch-backup", backup=id_, source="nas")
    _change_record(copies.folder / "nas" / id_)
    damaged = checked(copies.service, "fetch-backup", backup=id_, source="nas")
    hangs = checked(copies.service, "fetch-backup", backup=id_, source="hangs")

    assert {check["severity"] for check in good.values()} == {"info"}, good
    assert "The copy target nas has no backup feedfeedfeedfeed." in absent["copy-not-found"]["message"]
    assert full["backup-room"]["severity"] == "refuse"
    assert "are free in" in full["backup-room"]["message"]
    assert "backup.json was changed after it was signed" in damaged["copy-backup-damaged"]["message"]
    assert "so its command was stopped" in hangs["copy-target-failed"]["message"]
    assert not list(Path(copies.service.data_dir / "backups").rglob(f"*{id_}*"))


def _change_disk(copy: Path) -> None:
    disk = copy / "web-disk-0.vmdk"
    disk.write_bytes(bytes(disk.stat().st_size))


def _link_disk(copy: Path) -> None:
    disk = copy / "web-disk-0.vmdk"
    size = disk.stat().st_size
    disk.unlink()
    (copy.parent.parent / "elsewhere").write_bytes(bytes(size))
    disk.symlink_to(copy.parent.parent / "elsewhere")


def _change_record(copy: Path) -> None:
    record = json.loads((copy / "backup.json").read_text())
    record["disks"][0]["file"] = "../../../../signing/key.pem"
    (copy / "backup.json").write_text(json.dumps(record))


def _change_manifest(copy: Path) -> None:
    (manifest,) = copy.glob("*.mf")
    manifest.write_bytes(manifest.read_bytes().replace(b"a", b"b"))


def _add_name(copy: Path) -> None:
    (copy / "with\nline.vmdk").write_bytes(b"x")


HOSTILE = {
    "a changed disk": (_change_disk, "web-disk-0.vmdk was changed at the copy target nas"),
    "a link for a disk": (_link_disk, "web-disk-0.vmdk of the copy is missing"),
    "a path in the record": (_change_record, "backup.json was changed after it was signed"),
    "a changed manifest": (_change_manifest, "web.mf was changed after it was signed"),
    "a name that is none": (_add_name, "which no backup has"),
    "no record": (lambda copy: (copy / "backup.json").unlink(), "0 files backup.json, so it is not complete"),
    "a huge record": (lambda copy: os.truncate(copy / "backup.json", 1 << 30), "more than any real one"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_copy_is_refused_and_leaves_nothing(copies: Copies, case: str) -> None:
    id_, _ = copies.keep()
    assert act(copies.service, "copy-backup", backup=id_, to="nas")["state"] == "succeeded"
    lose(copies, id_)
    change, words = HOSTILE[case]
    change(copies.folder / "nas" / id_)

    job = act(copies.service, "fetch-backup", backup=id_, source="nas")
    status, _ = copies.service.call("GET", "/copies/nas")

    assert (job["state"], status) == ("failed", 200), job
    assert words in job["error"]["detail"]
    assert not list((copies.service.data_dir / "backups").rglob(f"*{id_}*"))
    assert not list((copies.service.data_dir / "backups").rglob(f"*{job['id']}*"))


@pytest.mark.parametrize("id_", ["..", "../../etc", ".hidden", "a/b"])
def test_fetch_of_what_is_no_id_is_refused(copies: Copies, id_: str) -> None:
    said = refused(copies.service, "fetch-backup", backup=id_, source="nas")

    assert "backup is not in the form that it needs" in said
    assert copies.service.call("GET", "/copies/nowhere")[0] == 404


def test_pruned_copy_in_a_locked_bucket_can_be_had_back(copies: Copies) -> None:
    ids = [copies.keep(age=age, vm="locked")[0] for age in (2, 1)]
    for id_ in ids:
        job = act(copies.service, "copy-backup", backup=id_, to="locked")
        assert job["state"] == "succeeded", job["error"]

    pruned = act(copies.service, "prune-backups", last=100, daily=0, weekly=0, monthly=0)

    assert pruned["state"] == "succeeded", pruned
    assert "refused" not in details(pruned)
    assert pruned["result"]["copies"] == [{"to": "locked", "removed": [ids[0]], "refused": [], "why": ""}]
    _, listed = copies.service.call("GET", "/copies/locked")
    assert [each["id"] for each in listed["backups"]] == [ids[1]]
    _, versions = copies.s3.call("GET", "/locked?versions=")
    key = f"copies/{ids[0]}/locked-disk-0.vmdk"
    (version,) = re.findall(rf"<Version><Key>{key}</Key><VersionId>([^<]+)", versions)
    status, answer = copies.s3.call("DELETE", f"/locked/{key}?versionId={version}")
    assert (status, "AccessDenied" in answer) == (403, True), answer


def test_cancelled_copy_ends_its_command_and_leaves_nothing(copies: Copies) -> None:
    id_, _ = copies.keep(size=LARGE)
    job = begin(copies.service, "copy-backup", backup=id_, to="slow")
    copies.service.reading(job)

    copies.service.call("POST", f"/jobs/{job}/cancel")
    ended = copies.service.ended(job)

    assert ended["state"] == "cancelled", ended
    assert id_ not in copies.rclone("lsf", "--recursive", "s3:vms/other")
    assert not [words for words in commands() if "rclone" in words and id_ in words]


def commands() -> list[str]:
    """The command lines of all processes."""
    found = []
    for item in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(item.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return found
