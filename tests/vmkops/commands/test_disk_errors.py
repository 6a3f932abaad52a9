"""A disk that is full or read-only ends a command with one sentence about it, and never with a traceback."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from tests.peers.fetch import require
from tests.peers.loop_mount import make_read_only, small_disk
from tests.vmkops.terminal import run_forked
from vmkops.commands._disk_errors import disk_problem


@pytest.mark.parametrize("size", ["32k", "300k", "2m"])
def test_service_on_a_full_disk_says_so(tmp_path: Path, size: str) -> None:
    require("tmpfs-mount")
    with small_disk(tmp_path / "disk", size) as data:
        done = run_forked(tmp_path, "serve", "--port", "0", VMKOPS_DATA_DIR=str(data))
        checked = run_forked(tmp_path, "doctor", VMKOPS_DATA_DIR=str(data))

    assert done.returncode == 2
    assert f"vmkops serve: the disk of {data} is full. Free some space there, or set VMKOPS_DATA_DIR" in done.stderr
    assert checked.returncode == 1
    assert f"data       failed: VMKOPS_DATA_DIR: {data} is on a disk that is full." in checked.stdout


def test_service_on_a_read_only_disk_says_so(tmp_path: Path) -> None:
    require("tmpfs-mount")
    with small_disk(tmp_path / "disk", "1m") as data:
        make_read_only(data.parent)
        done = run_forked(tmp_path, "serve", "--port", "0", VMKOPS_DATA_DIR=str(data))
        checked = run_forked(tmp_path, "doctor", VMKOPS_DATA_DIR=str(data))

    assert done.returncode == 2
    assert f"vmkops serve: {data}/vmkops.lock can only be read. Mount its file system writable" in done.stderr
    assert (
        f"data       failed: VMKOPS_DATA_DIR: {data} is on a file system that is mounted read-only." in checked.stdout
    )


def test_disk_error_is_found_below_the_errors_that_it_caused() -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as full:
            database.execute("CREATE TABLE a AS SELECT zeroblob(100000)")
    wrapped = RuntimeError("the store cannot be used")
    wrapped.__cause__ = full.value

    assert "is full" in disk_problem(wrapped)
    assert disk_problem(FileNotFoundError(2, "none")) == ""


def test_write_to_a_full_device_names_it() -> None:
    with pytest.raises(OSError, match="No space left") as full, Path("/dev/full").open("w", buffering=1) as file:
        file.write("x\n")
    full.value.filename = "/dev/full"

    assert disk_problem(full.value).startswith("the disk of /dev/full is full.")
