"""Folders that are deeper than Python calls itself are walked and removed, and nothing beside them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.api.settings import Settings
from service.backups.adopt import Adoption
from service.packages.staging import StagedPackage, remove_staged
from service.store.deep_folders import remove_folder, walk
from service.store.private_files import tighten
from service.store.signing import open_signer

DEPTH = sys.getrecursionlimit() + 500


def deepen(folder: Path, depth: int = DEPTH) -> None:
    """Make a chain of folders with a file and a link at its end."""
    handle = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=handle)
        below = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=handle))
    os.symlink("/etc", "link", dir_fd=handle)
    os.close(handle)


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A data directory that is removed before pytest, which calls itself too, looks at it."""
    folder = tmp_path / "data"
    folder.mkdir()
    yield folder
    remove_folder(folder)


def test_staged_files_of_a_deep_guest_are_removed_but_not_what_their_links_name(deep: Path) -> None:
    package = StagedPackage(deep, "web", "web", "j1")
    package.open()
    guest = package.open_files() / "disk0"
    guest.mkdir()
    deepen(guest)
    victim = deep / "victim"
    victim.mkdir()
    (victim / "kept").touch()
    (guest / "link").symlink_to(victim)
    package.stage(files=True)

    assert remove_staged(deep, "web", "j1", ["disk0/"]) == []

    assert [each.name for each in deep.iterdir()] == ["victim"]
    assert (victim / "kept").exists()


def test_unfinished_files_of_a_deep_guest_are_discarded(deep: Path) -> None:
    package = StagedPackage(deep, "web", "web", "j1")
    package.open()
    deepen(package.open_files())

    package.open_files()
    deepen(package.partial / ".files")
    package.discard()

    assert list(deep.iterdir()) == []


def test_two_removals_at_a_time_leave_nothing(deep: Path) -> None:
    for name in "abcdefgh":
        (deep / "web" / name).mkdir(parents=True)
        deepen(deep / "web" / name, 60)

    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(remove_folder, deep / "web") for _ in range(2)]:
            each.result()

    assert list(deep.iterdir()) == []


def test_what_cannot_be_removed_is_an_error_and_no_endless_loop(deep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (deep / "web" / "kept" / "file").mkdir(parents=True)

    def busy(*_: object, **__: object) -> None:
        raise OSError(16, "Device or resource busy")

    with monkeypatch.context() as patched:
        patched.setattr(os, "rmdir", busy)
        with pytest.raises(OSError, match="busy"):
            remove_folder(deep / "web")


def test_start_tightens_a_data_directory_with_a_deep_mount(deep: Path) -> None:
    (deep / "mounts").mkdir()
    deepen(deep / "mounts")

    tighten(deep)

    *_, (at, folders, files) = walk(deep / "mounts")
    assert (folders, sorted(files)) == ([], ["file", "link"])
    assert (at / "file").stat().st_mode & 0o077 == 0


def test_packages_are_looked_for_below_a_deep_folder(deep: Path, tmp_path: Path) -> None:
    deepen(deep)
    (deep / "z.ovf").touch()
    settings = Settings.read({"VMKOPS_DATA_DIR": str(tmp_path / "own")})

    found = Adoption(settings, open_signer(settings), "test").look(deep)

    assert [(each.state, Path(each.path).name) for each in found] == [("refused", "z.ovf")]
