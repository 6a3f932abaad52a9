"""A file is written in one step, also by many writers at once, and nothing else is left."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from knowledge.atomic_file import create_file, remove_stale, replace_file
from knowledge.vmkerr.listing import keep
from knowledge.vmkerr.table import Row, tables_in

WRITERS = 8
TIMES = 25


def at_once(write: Callable[[int], object]) -> list[object]:
    """What `write` returns for many numbers, in threads that run at the same time."""
    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(write, range(WRITERS * TIMES)))


def test_many_writers_at_once_leave_the_whole_content_of_one(tmp_path: Path) -> None:
    file = tmp_path / "table"

    at_once(lambda number: replace_file(file, f"{number}\n".encode() * 1000))

    lines = file.read_text().splitlines()
    assert len(lines) == 1000
    assert len(set(lines)) == 1
    assert list(tmp_path.iterdir()) == [file]


def test_first_of_many_writers_makes_a_file_that_must_not_be_replaced(tmp_path: Path) -> None:
    file = tmp_path / "key"

    made = at_once(lambda number: create_file(file, f"{number}".encode()))

    assert sum(map(bool, made)) == 1
    assert int(file.read_text()) == made.index(True)
    assert list(tmp_path.iterdir()) == [file]


def test_imports_of_one_release_at_once_all_succeed(tmp_path: Path) -> None:
    at_once(lambda number: keep(tmp_path, "lab", [Row("lab", 0xBAD0001 + number, "VMK_FAILURE", "EINVAL", "Failure")]))

    assert len(tables_in(tmp_path).by_release["lab"]) == 1
    assert [item.name for item in (tmp_path / "releases").iterdir()] == ["lab.tsv"]


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "table"
    replace_file(file, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(file, b"new")

    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_private_file_is_never_open_to_others(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"old")
    file.chmod(0o644)

    replace_file(file, b"new", mode=0o600)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_planted_links_are_replaced_and_not_followed(tmp_path: Path) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "backup"
    victim.write_bytes(b"kept")
    folder.mkdir()
    for name in ("drill.png", "drill.png.partial"):
        (folder / name).symlink_to(victim)

    replace_file(folder / "drill.png", b"picture")

    assert victim.read_bytes() == b"kept"
    assert not (folder / "drill.png").is_symlink()
    assert (folder / "drill.png").read_bytes() == b"picture"


@pytest.mark.parametrize("old", [0o640, 0o660, 0o600])
def test_replaced_file_keeps_its_permissions(tmp_path: Path, old: int) -> None:
    file = tmp_path / "page.md"
    file.write_bytes(b"old")
    file.chmod(old)

    replace_file(file, b"new")

    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"new", old)


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without hard links, such as exFAT, which nothing but root can mount."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("no_links")
def test_file_is_made_once_without_hard_links(tmp_path: Path) -> None:
    file = tmp_path / "key"

    made = at_once(lambda number: create_file(file, f"{number}".encode(), mode=0o600))

    assert sum(map(bool, made)) == 1
    assert int(file.read_text()) == made.index(True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.usefixtures("no_links")
def test_failure_without_hard_links_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    def full(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        create_file(tmp_path / "key", b"key")

    assert list(tmp_path.iterdir()) == []


def test_what_a_dead_writer_left_is_removed_when_it_is_old(tmp_path: Path) -> None:
    left, fresh = tmp_path / ".table.0123456789abcdef.tmp", tmp_path / ".table.fedcba9876543210.tmp"
    others = [tmp_path / name for name in ("table", ".notes.tmp", ".table.0123456789ABCDEF.tmp")]
    for file in (left, fresh, *others):
        file.touch()
        os.utime(file, (1, 1))
    os.utime(fresh)
    folder = tmp_path / ".folder.0123456789abcdef.tmp"
    folder.mkdir()
    os.utime(folder, (1, 1))

    assert remove_stale(tmp_path, 3600) == [left]
    assert {each.name for each in tmp_path.iterdir()} == {fresh.name, folder.name, *(each.name for each in others)}
    assert remove_stale(tmp_path / "gone", 3600) == []
