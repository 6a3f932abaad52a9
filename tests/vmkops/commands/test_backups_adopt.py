"""`vmkops backups adopt` copies whole packages of other installations and programs, and none that it cannot trust."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.api.settings import Settings
from service.backups.adopt import Adoption
from service.backups.catalogue import KeptBackup, read_catalogue
from service.backups.signatures import check_signatures
from service.store.signing import Signer, open_signer, signature_of
from tests.e2e.packages.ovf_builder import archive, descriptor, package, put
from tests.kept_packages import keep_package
from tests.peers.disks import make_vmdk
from tests.peers.fetch import require
from tests.vmkops.terminal import run_forked

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A stream-optimized disk of 6 MiB."""
    require("qemu-img")
    return make_vmdk(tmp_path_factory.mktemp("disk") / "disk.vmdk", size_mb=6, seed=11, filled=0.01).read_bytes()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with the data directory of a service, and an empty folder `old`."""
    done = run_forked(tmp_path, "token", "create", "x", "--scope", "read", "--init")
    assert done.returncode == 0, done.stderr
    (tmp_path / "old").mkdir()
    return tmp_path


def adopt(home: Path, *words: str) -> tuple[int, list[dict[str, Any]], str]:
    done = run_forked(home, "backups", "adopt", *words, "--json")
    return done.returncode, json.loads(done.stdout)["packages"] if done.stdout else [], done.stderr


def kept(home: Path) -> list[KeptBackup]:
    return read_catalogue(home / "data" / "backups")


def signer_of(data: Path) -> Signer:
    return open_signer(Settings.read({"VMKOPS_DATA_DIR": str(data)}))


def backup_of_another_installation(home: Path, data: str = "other") -> Path:
    """A backup that is signed with the key of this data directory."""
    folder = keep_package(home / "old", "0123456789abcdef", NOON, identity={"vcenter": "default"})
    signer = signer_of(home / data)
    for name in ("web.mf", "backup.json"):
        signature_of(folder / name).write_bytes(signer.sign((folder / name).read_bytes()))
    return folder


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_packages_of_other_programs_become_signed_backups_once(home: Path, disk: bytes, algorithm: str) -> None:
    put(home / "old" / "deep" / "a", package("a", {"a-1.vmdk": disk, "a-2.vmdk": disk}, algorithm=algorithm))
    put(home / "old", {"b.ova": archive(package("b", {"b.vmdk": disk}, algorithm=algorithm))})

    first = run_forked(home, "backups", "adopt", "old")
    again = adopt(home, "old")

    assert first.returncode == 0, first.stderr
    assert "2 packages adopted" in first.stderr
    assert (again[0], [each["state"] for each in again[1]]) == (0, ["kept", "kept"])
    assert {(each.vm.name, each.size, each.state) for each in kept(home)} == {
        ("a", 2 * len(disk), "unverified"),
        ("b", len(disk), "unverified"),
    }
    for each in kept(home):
        assert check_signatures(each, signer_of(home / "data"), required=True) == ([], [])
        assert each.requested_by.startswith("local:")
    assert (home / "old" / "b.ova").exists()
    with closing(sqlite3.connect(home / "data" / "vmkops.sqlite")) as database:
        audited = database.execute("SELECT details FROM vmkops_audit WHERE event = 'backup.adopted'").fetchall()
    assert {json.loads(details)["backup"] for (details,) in audited} == {each.id for each in kept(home)}


def test_backup_of_another_installation_needs_its_key_or_a_decision(home: Path) -> None:
    backup_of_another_installation(home)
    trusted = home / "data" / "signing" / "trusted"

    status, (refused,), _ = adopt(home, "old")
    assert (status, refused["state"]) == (1, "refused")
    assert "signing/public.pem" in refused["reason"]
    assert str(trusted) in refused["reason"]
    assert "--sign" in refused["reason"]
    assert kept(home) == []

    shutil.copy(home / "other" / "signing" / "public.pem", trusted / "other.pem")
    assert adopt(home, "old")[0] == 0
    (found,) = kept(home)
    assert (found.id, found.created_at, found.state) == ("0123456789abcdef", NOON, "unverified")
    assert check_signatures(found, signer_of(home / "data"), required=True) == ([], [])


def test_backup_is_signed_again_when_somebody_decides_that(home: Path) -> None:
    backup_of_another_installation(home)

    assert adopt(home, "old", "--sign")[0] == 0

    (found,) = kept(home)
    assert check_signatures(found, signer_of(home / "data"), required=True) == ([], [])


def adoption_of(home: Path) -> Adoption:
    data = home / "data"
    return Adoption(Settings.read({"VMKOPS_DATA_DIR": str(data)}), signer_of(data), "local:x")


def test_backup_that_changes_after_the_look_is_refused(home: Path) -> None:
    folder = backup_of_another_installation(home, "data")
    (found,) = adoption_of(home).look(home / "old")
    assert found.state == "new"
    record = folder / "backup.json"
    record.write_text(record.read_text().replace('"uuid-of-web"', '"uuid-of-dc01"'))

    after = adoption_of(home).adopt(found, lambda _: None)

    assert (after.state, kept(home)) == ("refused", [])
    assert "signed with a key that is not known here" in after.reason


def test_verdict_among_the_files_of_a_backup_is_refused(home: Path) -> None:
    verdict = b"{}"
    digest = hashlib.sha256(verdict).hexdigest()
    beside = [{"key": "", "file": "verified.json", "size": len(verdict), "sha256": digest}]
    folder = keep_package(home / "old", "0123456789abcdef", NOON, beside=beside)
    (folder / "verified.json").write_bytes(verdict)

    status, (refused,), _ = adopt(home, "old", "--sign")

    assert (status, refused["state"], kept(home)) == (1, "refused", [])


def test_renamed_folder_has_the_id_of_its_record(home: Path) -> None:
    backup_of_another_installation(home).rename(home / "old" / "copy of web")

    assert [adopt(home, "old", "--sign")[1][0]["state"] for _ in range(2)] == ["adopted", "kept"]

    assert [each.id for each in kept(home)] == ["0123456789abcdef"]


def test_package_that_cannot_be_kept_leaves_the_others_alone(home: Path, disk: bytes) -> None:
    old = descriptor("é", {"a.vmdk": disk}).decode().replace("UTF-8", "ISO-8859-1").encode("latin-1")
    put(home / "old" / "a", {"a.ovf": old, "a.vmdk": disk})
    put(home / "old" / "b", package("b", {"b.vmdk": disk}))

    status, found, _ = adopt(home, "old")

    assert (status, [each["state"] for each in found]) == (1, ["refused", "adopted"])
    assert "not in UTF-8" in found[0]["reason"]


def test_only_one_process_adopts_at_a_time(home: Path, disk: bytes) -> None:
    put(home / "old", package("a", {"a.vmdk": disk}))

    with adoption_of(home).alone():
        done = run_forked(home, "backups", "adopt", "old")

    assert (done.returncode, kept(home)) == (1, [])
    assert "Another `vmkops backups adopt` is at work" in done.stderr


def change(folder: Path) -> None:
    path = next(folder.glob("*.vmdk"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def cut(folder: Path) -> None:
    path = next(folder.glob("*.vmdk"))
    path.write_bytes(path.read_bytes()[:-1])


def link(folder: Path) -> None:
    path = next(folder.glob("*.vmdk"))
    path.rename(folder.parent / "elsewhere")
    path.symlink_to(folder.parent / "elsewhere")


@pytest.mark.parametrize("harm", [change, cut, link])
@pytest.mark.parametrize("kind", ["backup", "ovf"])
def test_package_that_is_not_as_it_was_written_is_refused_and_leaves_nothing(
    home: Path, disk: bytes, harm: Callable[[Path], None], kind: str
) -> None:
    if kind == "backup":
        harm(backup_of_another_installation(home))
    else:
        put(home / "old" / "a", package("a", {"a.vmdk": disk}))
        harm(home / "old" / "a")

    status, (refused,), _ = adopt(home, "old", "--sign")

    assert (status, refused["state"]) == (1, "refused")
    assert ".vmdk" in refused["reason"]
    assert [item for item in (home / "data").rglob("*") if item.suffix in (".vmdk", ".partial", ".adopting")] == []


def test_file_outside_of_the_package_or_under_a_name_of_ours_is_refused(home: Path, disk: bytes) -> None:
    put(home / "old" / "a", {"a.ovf": descriptor("a", {"../b.vmdk": disk}), "b.vmdk": disk})
    put(home / "old" / "c", {"c.ovf": descriptor("c", {"backup.json.vmdk": disk, "x.mf": disk}), "x.mf": disk})

    status, found, _ = adopt(home, "old")

    assert (status, [each["state"] for each in found]) == (1, ["refused", "refused"])
    assert kept(home) == []


def test_dry_run_copies_nothing(home: Path, disk: bytes) -> None:
    put(home / "old", package("a", {"a.vmdk": disk}))

    done = run_forked(home, "backups", "adopt", "old", "--dry-run")

    assert done.returncode == 0, done.stderr
    assert "to adopt" in done.stdout
    assert kept(home) == []


def test_copy_that_was_killed_is_made_again(home: Path, disk: bytes) -> None:
    put(home / "old", package("a", {"a.vmdk": disk}))
    (found,) = adopt(home, "old", "--dry-run")[1]
    left = home / "data" / "backups" / "a" / f"{found['id']}.adopting"
    left.mkdir(parents=True)
    (left / "a.vmdk").write_bytes(disk * 2)

    assert adopt(home, "old")[0] == 0

    assert [each.size for each in kept(home)] == [len(disk)]


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["nowhere"], 1, "There is no nowhere"),
        (["old"], 1, "There is no package in old"),
        (["old", "--vcenter", "x"], 2, "has no vCenter 'x'"),
        (["data/vmkops.sqlite"], 2, "neither a folder nor an .ovf or .ova file"),
    ],
)
def test_what_is_wrong_with_the_command_is_said(home: Path, words: list[str], status: int, says: str) -> None:
    done = run_forked(home, "backups", "adopt", *words)

    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr


def test_without_a_service_nothing_is_made(tmp_path: Path, disk: bytes) -> None:
    put(tmp_path / "old", package("a", {"a.vmdk": disk}))

    done = run_forked(tmp_path, "backups", "adopt", "old")

    assert done.returncode == 2
    assert "VMKOPS_DATA_DIR" in done.stderr
    assert [*tmp_path.iterdir()] == [tmp_path / "old"]
