from __future__ import annotations

import io
import tarfile

import pytest

from knowledge.bounded_tar import LARGEST_HEADER, MOST_EXTENDED, BoundedHeader, HeaderRefusedError
from tests.attacks import hostile


def names(archive: bytes) -> list[str]:
    return tarfile.TarFile(fileobj=io.BytesIO(archive), tarinfo=BoundedHeader).getnames()


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_archive_of_real_programs_is_read_as_tarfile_reads_it(form: int) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
        for name in ("web.ovf", f"{'long' * 20}/{'x' * 60}.vmdk"):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = 3, 1.25 if form == tarfile.PAX_FORMAT else 1  # type: ignore[assignment]
            archive.addfile(entry, io.BytesIO(b"abc"))
    plain = tarfile.TarFile(fileobj=io.BytesIO(packed.getvalue()))
    bounded = tarfile.TarFile(fileobj=io.BytesIO(packed.getvalue()), tarinfo=BoundedHeader)
    assert [(each.name, each.offset_data, each.mtime) for each in bounded] == [
        (each.name, each.offset_data, each.mtime) for each in plain
    ]
    assert [bounded.extractfile(each).read() for each in bounded] == [b"abc", b"abc"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (hostile.pax_bomb(LARGEST_HEADER), "a number of more than 100 digits"),
        (hostile.pax_bomb(LARGEST_HEADER + 1), "a header has 65,537 bytes"),
        (hostile.chained_headers(MOST_EXTENDED + 1), "more than 16 extended headers"),
    ],
    ids=["digits", "size", "chain"],
)
def test_header_that_no_program_writes_is_refused(archive: bytes, words: str) -> None:
    with pytest.raises(HeaderRefusedError, match=words):
        names(archive)


def test_headers_before_each_of_many_entries_are_fine() -> None:
    assert len(names(b"".join(hostile.chained_headers(2)[:-1024] for _ in range(50)) + bytes(1024))) == 50
