"""Logical volumes are put together from their stripes; hostile metadata ends in a note."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.files.disk_files import RawFile, Slice
from service.files.lvm import Logical, Physical, logical_volumes, physical_volume
from tests.peers.file_systems import spanned_volume

EXTENT = 8 * 512
DISKS = [random.Random(seed).randbytes(10 * EXTENT) for seed in (1, 2)]


def group(segment: str, *, status: str = '"READ", "VISIBLE"', seqno: int = 1, second: str = "B" * 32) -> str:
    return f"""# a comment
data-vg {{
  id = "V"
  seqno = {seqno}
  extent_size = 8  # 4 Kilobytes
  physical_volumes {{
    pv0 {{ id = "{"A" * 32}" pe_start = 8 }}
    pv1 {{ id = "{second}" pe_start = 16 }}
  }}
  logical_volumes {{
    root.1 {{ id = "L" status = [{status}] creation_time = 1700000000
      {segment}
    }}
  }}
}}
description = "vgcreate \\"data-vg\\" {{"
"""


STRIPED = """segment_count = 1 segment1 { start_extent = 0 extent_count = 4 type = "striped"
  stripe_count = 2 stripe_size = 2 stripes = [ "pv0", 1, "pv1", 0 ] }"""


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[list[Slice]]:
    with contextlib.ExitStack() as stack:
        found = []
        for number, content in enumerate(DISKS):
            (tmp_path / f"{number}").write_bytes(content)
            source = RawFile(stack.enter_context((tmp_path / f"{number}").open("rb", buffering=0)), str(number))
            found.append(Slice(source, 0, source.size))
        yield found


def volumes(disks: list[Slice], *texts: str) -> list[Logical]:
    first, second = (Physical(letter * 32, disk, []) for letter, disk in zip("AB", disks, strict=True))
    return list(logical_volumes([first._replace(texts=list(texts)), second]))


def test_stripes_alternate_between_the_disks(disks: list[Slice]) -> None:
    (made,) = volumes(disks, group(STRIPED))

    chunks = [DISKS[number % 2][2 * EXTENT + number // 2 * 1024 :][:1024] for number in range(16)]
    content = b"".join(chunks)
    assert made.name == "data-vg/root.1"
    assert made.source is not None
    assert made.source.size == 4 * EXTENT
    assert made.source.read_at(0, 1 << 20) == content
    assert made.source.read_at(1000, 3000) == content[1000:4000]
    placed = made.source.extents(1000, 3000) or []
    assert b"".join(DISKS[int(file)][at : at + size] for file, at, size in placed) == content[1000:4000]


def test_newest_metadata_counts(disks: list[Slice]) -> None:
    newer = group(STRIPED.replace("extent_count = 4", "extent_count = 2"), seqno=2)

    for texts in ((group(STRIPED), newer), (newer, group(STRIPED))):
        (made,) = volumes(disks, *texts)
        assert made.source is not None
        assert made.source.size == 2 * EXTENT


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (group('segment1 { start_extent = 0 extent_count = 4 type = "thin" thin_pool = "pool" }'), "of the type thin,"),
        (group('segment1 { start_extent = 0 extent_count = 4 type = "thin-pool" }'), "of the type thin-pool"),
        (group(STRIPED, second="C" * 32), "a disk that is not in the package"),
        (group(STRIPED.replace("start_extent = 0", "start_extent = 3")), "damaged"),
        (group(STRIPED.replace("stripe_size = 2", "stripe_size = 0")), "damaged"),
        (group(STRIPED.replace("stripe_size = 2", "")), "damaged"),
        (group(STRIPED.replace("extent_count = 4", f"extent_count = {10**30}")), "damaged"),
        (group(STRIPED.replace('"pv1", 0', '"pv1"')), "damaged"),
        (group(STRIPED.replace('"pv1", 0', '"root.1", 0')), "damaged"),
        (group(""), "damaged"),
        (group("a {" * 1000), "damaged"),
        (group("}"), "damaged"),
        ("data-vg { seqno = 1", "damaged"),
        ("\x00\x01", "damaged"),
        ("id = 3", "damaged"),
    ],
)
def test_what_cannot_be_read_is_named_or_called_damaged(disks: list[Slice], text: str, note: str) -> None:
    (made,) = volumes(disks, text)

    assert made.source is None
    assert note in made.note


def test_hidden_volumes_are_left_out(disks: list[Slice]) -> None:
    assert volumes(disks, group(STRIPED, status='"READ"')) == []


def test_disk_that_ends_before_its_volume_is_an_error(disks: list[Slice]) -> None:
    (made,) = volumes(disks, group(STRIPED.replace('"pv1", 0', '"pv1", 7')))
    assert made.source is not None

    with pytest.raises(OSError, match="ends before"):
        made.source.read_at(0, 4 * EXTENT)


def test_label_that_lies_is_contained(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.write_bytes(b"content")
    (image,) = spanned_volume([tmp_path / "pv.img"], inner)
    whole = bytearray(image.read_bytes()[:8192])
    dice = random.Random(6)
    seen = set()
    for _ in range(300):
        harmed = bytearray(whole)
        for _ in range(3):
            harmed[512 + dice.randrange(600) if dice.random() < 0.5 else 4096 + dice.randrange(700)] ^= 0xFF
        (tmp_path / "harmed").write_bytes(harmed)
        with (tmp_path / "harmed").open("rb", buffering=0) as file:
            source = RawFile(file, "harmed")
            try:
                found = physical_volume(Slice(source, 0, source.size))
            except OSError:
                seen.add("no label")
            else:
                seen.add(f"{len(found.texts)} texts")
    assert seen == {"no label", "0 texts", "1 texts"}
