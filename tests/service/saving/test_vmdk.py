"""The two translations of a disk, against qemu-img and against streams that are not what they should be."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

import pytest

from service.errors import BackupDamaged, DiskRefused
from service.saving.vmdk_decoder import HEADER, MARKER, SECTOR, VmdkDecoder
from service.saving.vmdk_encoder import GRAIN, VmdkEncoder
from tests.peers.disks import make_vmdk, read_vmdk
from tests.peers.fetch import require

MOST = 2 << 20
"""Bytes of a piece that the decoder may give."""


def decoded(stream: bytes, step: int = 100_003) -> bytes:
    decoder, parts = VmdkDecoder("disk"), []
    for start in range(0, len(stream), step):
        for piece in decoder.feed(stream[start : start + step]):
            assert len(piece) <= MOST
            parts.append(bytes(piece))
    parts += [bytes(piece) for piece in decoder.finish()]
    return b"".join(parts)


def encoded(raw: bytes, step: int = 100_003) -> bytes:
    encoder = VmdkEncoder("disk", len(raw))
    fed = [encoder.feed(raw[start : start + step]) for start in range(0, len(raw), step)]
    return b"".join([encoder.start(), *fed, encoder.end()])


def sparse(size: int, *places: int) -> bytes:
    """A disk of so many bytes that has a grain of its own at each of these places."""
    content = bytearray(size)
    for place in places:
        data = random.Random(place).randbytes(min(GRAIN, size - place))
        content[place : place + len(data)] = data
    return bytes(content)


def grain(place: int, content: bytes) -> bytes:
    packed = zlib.compress(content)
    record = MARKER.pack(place // SECTOR, len(packed)) + packed
    return record.ljust(-(-len(record) // SECTOR) * SECTOR, b"\0")


def stream(*grains: bytes, size: int = 4 * GRAIN, **header: int) -> bytes:
    fields = {"version": 3, "flags": 0x30001, "grain": GRAIN // SECTOR, "compression": 1} | header
    first = HEADER.pack(
        *(b"KDMV", fields["version"], fields["flags"], size // SECTOR, fields["grain"], 0, 0, 512, 0),
        *(fields.get("directory", (1 << 64) - 1), 1, 0, b"\n \r\n", fields["compression"]),
    )
    return first.ljust(SECTOR, b"\0") + b"".join(grains) + bytes(SECTOR)


@pytest.mark.parametrize("step", [511, 100_003, 1 << 30])
def test_disk_of_qemu_is_decoded_whatever_the_pieces(tmp_path: Path, step: int) -> None:
    require("qemu-img")
    disk = make_vmdk(tmp_path / "disk.vmdk", size_mb=3, seed=1, filled=0.4)

    assert decoded(disk.read_bytes(), step) == read_vmdk(disk)


@pytest.mark.parametrize("size", [1 << 20, (40 << 20) + 512, 64 << 20])
def test_encoded_disk_is_read_by_qemu_and_by_the_decoder(tmp_path: Path, size: int) -> None:
    require("qemu-img")
    raw = sparse(size, 0, 5 * GRAIN, size // GRAIN * GRAIN - GRAIN, size - SECTOR)
    (tmp_path / "disk.vmdk").write_bytes(encoded(raw))

    assert (tmp_path / "disk.vmdk").stat().st_size < 6 * GRAIN + (1 << 17)
    assert read_vmdk(tmp_path / "disk.vmdk") == raw
    assert decoded(encoded(raw)) == raw


def test_missing_grains_are_zeros() -> None:
    content = random.Random(1).randbytes(GRAIN)

    assert decoded(stream(grain(2 * GRAIN, content))) == bytes(2 * GRAIN) + content + bytes(GRAIN)


def test_grains_out_of_order_are_refused_with_what_to_do() -> None:
    with pytest.raises(DiskRefused, match=r"not in ascending order .* save=none"):
        decoded(stream(grain(GRAIN, bytes(GRAIN)), grain(0, bytes(GRAIN))))


@pytest.mark.parametrize(
    "wrong",
    [
        b"<html>" + bytes(SECTOR),
        stream(version=9),
        stream(flags=1),
        stream(compression=0),
        stream(grain=1 << 30),
        stream(size=0),
        stream(size=1 << 60),
    ],
    ids=["html", "version", "flags", "compression", "grain", "empty", "huge"],
)
def test_what_is_no_stream_optimized_disk_is_refused(wrong: bytes) -> None:
    with pytest.raises(DiskRefused):
        decoded(wrong)


@pytest.mark.parametrize(
    "damaged",
    [
        stream(grain(0, bytes(GRAIN)))[:-SECTOR],
        stream(grain(0, bytes(GRAIN + 1))),
        stream(grain(0, bytes(100))),
        stream(grain(0, bytes(64 << 20))),
        stream(MARKER.pack(0, 100) + bytes(500)),
        stream(MARKER.pack(0, 1 << 31) + bytes(500)),
        stream(grain(9 * GRAIN, bytes(GRAIN))),
        stream(grain(SECTOR, bytes(GRAIN))),
        stream(struct.pack("<QII", 1, 0, 77).ljust(SECTOR, b"\0")),
        stream(struct.pack("<QII", 1 << 60, 0, 1).ljust(SECTOR, b"\0")),
        b"",
    ],
    ids=["cut", "longer", "shorter", "bomb", "rubbish", "length", "outside", "odd", "marker", "skip", "empty"],
)
def test_damaged_stream_is_noticed(damaged: bytes) -> None:
    with pytest.raises(BackupDamaged):
        decoded(damaged)
