"""A lost backup comes back from each kind of copy target, and a hostile copy does not."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.e2e.actions import act, begin, checked, refused, text
from tests.e2e.copies.conftest import TARGETS, Copies
from tests.running_service import RunningService


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
