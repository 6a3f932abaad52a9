"""What vmkops wrote to the data directory is taken from other users, and nothing else is."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.store.private_files import exposed, tighten


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o7777)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory as a version before made it, with one kept backup."""
    package = tmp_path / "data" / "backups" / "web-01" / "j1"
    package.mkdir(parents=True)
    for path in (package, *package.parents[:3]):
        path.chmod(0o755)
    for path in (package / "disk-0.vmdk", *(tmp_path / "data" / each for each in ("jobs.sqlite", "vmkops.sqlite-wal"))):
        path.touch()
        path.chmod(0o644)
    return tmp_path / "data"


def test_existing_data_is_taken_from_others(data_dir: Path) -> None:
    tighten(data_dir)

    assert mode(data_dir) == mode(data_dir / "backups" / "web-01" / "j1") == "0o700"
    assert mode(data_dir / "jobs.sqlite") == mode(data_dir / "vmkops.sqlite-wal") == "0o600"
    assert mode(data_dir / "backups" / "web-01" / "j1" / "disk-0.vmdk") == "0o600"
    assert exposed(data_dir) == ""


def test_folder_that_others_use_too_keeps_its_permissions(data_dir: Path) -> None:
    notes = data_dir / "notes.txt"
    notes.touch()
    notes.chmod(0o644)

    tighten(data_dir)

    assert (mode(data_dir), mode(notes), mode(data_dir / "jobs.sqlite")) == ("0o755", "0o644", "0o600")


def test_folder_that_people_put_packages_into_stays_open_to_them(data_dir: Path) -> None:
    imports = data_dir / "imports"
    imports.mkdir()
    imports.chmod(0o775)

    tighten(data_dir)

    assert (mode(data_dir), mode(imports), mode(data_dir / "backups")) == ("0o755", "0o775", "0o700")


def test_link_is_not_followed(data_dir: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.touch()
    other.chmod(0o644)
    (data_dir / "backups" / "link").symlink_to(other)
    (data_dir / "exports").symlink_to(tmp_path)

    tighten(data_dir)

    assert mode(other) == "0o644"
    assert mode(data_dir) == "0o700"


def test_file_of_another_user_is_left_alone(data_dir: Path) -> None:
    theirs = data_dir / "jobs.sqlite"
    if not given_away(theirs):
        return

    tighten(data_dir)

    assert mode(theirs) == "0o644"
    assert mode(data_dir / "vmkops.sqlite-wal") == "0o600"


def given_away(file: Path) -> bool:
    """Give a file to another user; False when that is not allowed, as only root may."""
    try:
        os.chown(file, 65534, 65534)
    except PermissionError:
        return False
    return True


@pytest.mark.parametrize(
    ("bits", "words"),
    [(0o600, ""), (0o640, "read"), (0o604, "read"), (0o620, "change"), (0o666, "read and change"), (0o711, "")],
)
def test_what_others_may_do_is_named(tmp_path: Path, bits: int, words: str) -> None:
    file = tmp_path / "secret"
    file.touch()
    file.chmod(bits)

    assert exposed(file) == words
    assert exposed(tmp_path / "none") == ""


def test_group_of_a_file_that_another_user_owns_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.touch()
    if not given_away(file):
        return

    file.chmod(0o640)
    assert exposed(file) == ""
    file.chmod(0o644)
    assert exposed(file) == "read"


def test_open_database_keeps_its_locks(data_dir: Path) -> None:
    path = data_dir / "jobs.sqlite"
    path.chmod(0o644)
    with path.open("r+b") as database:
        fcntl.lockf(database, fcntl.LOCK_EX)

        tighten(data_dir)

        asked = f"import fcntl; fcntl.lockf(open({str(path)!r}, 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
        other = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=False)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "BlockingIOError" in other.stderr
