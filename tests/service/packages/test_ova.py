"""An OVA is a plain ustar archive in the given order; only sizes that ustar cannot hold are written differently."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from service.packages.ova import CHUNK, LARGEST_IN_USTAR, header, write_ova

NAMES = {"web.ovf": b"<a/>", "web.mf": b"", "web-disk1.vmdk": b"d" * (2 * CHUNK + 5), "web-disk2.vmdk": b"e" * 512}


async def test_files_come_in_the_order_given_and_read_back(tmp_path: Path) -> None:
    for name, content in NAMES.items():
        (tmp_path / name).write_bytes(content)
    reported: list[int] = []

    await write_ova(tmp_path, list(NAMES), tmp_path / "web.ova", reported.append, 0)

    with tarfile.open(tmp_path / "web.ova") as tar:
        assert tar.getnames() == list(NAMES)
        for name, content in NAMES.items():
            entry = tar.extractfile(name)
            assert entry is not None
            assert entry.read() == content
    assert reported[-1] == sum(map(len, NAMES.values()))
    assert (tmp_path / "web.ova").stat().st_size % tarfile.BLOCKSIZE == 0


@pytest.mark.parametrize("size", [0, LARGEST_IN_USTAR])
def test_header_is_ustar(size: int) -> None:
    assert header("disk.vmdk", size, 0)[257:265] == b"ustar\x0000"


def test_disk_too_large_for_ustar_keeps_its_size() -> None:
    written = header("disk.vmdk", LARGEST_IN_USTAR + 1, 0)

    assert len(written) == tarfile.BLOCKSIZE
    assert tarfile.TarInfo.frombuf(written, "utf-8", "strict").size == LARGEST_IN_USTAR + 1


def test_name_that_ustar_has_no_room_for_is_refused() -> None:
    with pytest.raises(ValueError, match="name is too long"):
        header("x" * 101, 1, 0)


async def test_file_that_is_gone_ends_the_packing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await write_ova(tmp_path, ["absent"], tmp_path / "web.ova", lambda _: None, 0)
