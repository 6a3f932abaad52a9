"""Further copies of backups: in a directory, on S3, on S3 encrypted, and behind SFTP, with rclone."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import signal
from pathlib import Path

import pytest

from tests.e2e.actions import act, begin, checked, details, refused, text
from tests.e2e.copies.conftest import LARGE, TARGETS, Copies, disk_of
from tests.peers.fetch import require
from tests.peers.loop_mount import small_disk


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
