"""What a full disk of this machine does to a fetch and to a list: it is named, and taken for no fault of the copy."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from service.api.copy_settings import CopyTable, CopyTarget
from service.copies.store import CopyStore
from service.errors import CopyFailed, DiskFull
from tests.peers.fetch import require
from tests.peers.loop_mount import make_read_only, small_disk


@pytest.fixture
def store(tmp_path: Path) -> CopyStore:
    """A target with two files, of 3 MiB and of 100 bytes, in each of the copies `a` and `b`."""
    require("tmpfs-mount")
    for copy in ("a", "b"):
        (tmp_path / "nas" / copy).mkdir(parents=True)
        (tmp_path / "nas" / copy / "disk").write_bytes(bytes(3 << 20))
        (tmp_path / "nas" / copy / "record").write_bytes(b"x" * 100)
    return CopyStore(CopyTarget("nas", CopyTable(kind="directory", path=tmp_path / "nas")))


async def test_disk_that_gets_full_is_named_with_what_is_missing(store: CopyStore, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "1m") as data, pytest.raises(DiskFull) as refused:
        await store.fetch("a", "disk", data / "disk", 3 << 20, lambda _: None)

    assert str(refused.value).startswith(f"The disk of {data} is full: 2.1 MB of disk do not fit.")


async def test_small_file_on_a_full_disk_is_told_in_the_same_way(store: CopyStore, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "64k") as data:
        with pytest.raises(OSError, match="No space left"):
            (data / "filling").write_bytes(bytes(1 << 20))
        with pytest.raises(DiskFull, match=f"The disk of {data} is full: 100 bytes of record do not fit"):
            await store.fetch("a", "record", data / "record", 100, lambda _: None)


async def test_disk_that_cannot_be_written_is_not_called_full(store: CopyStore, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "64k") as data:
        make_read_only(data.parent)
        with pytest.raises(CopyFailed, match=f"record cannot be written to {data}: Read-only file system"):
            await store.fetch("a", "record", data / "record", 100, lambda _: None)


async def test_full_temporary_folder_does_not_make_copies_broken(
    store: CopyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "small", "1m") as data:
        monkeypatch.setattr(tempfile, "tempdir", str(data))
        with pytest.raises(DiskFull, match=f"The disk of {data} is full, so the records"):
            await store.gather(["a/record", "a/disk", "b/record"])
        assert await store.gather(["a/record", "b/absent"]) == {"a/record": b"x" * 100}
