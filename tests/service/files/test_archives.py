"""Archives of what a hostile guest has named and marked do no harm where they are unpacked."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator

from service.files.archives import tar_of, zip_of
from service.files.values import Entry

HOSTILE = Entry(path="top/..\\\\..\\\\C:evil.dll", name="evil.dll", kind="file", size=3, mode=0o6755)


async def contents() -> AsyncIterator[Entry | bytes]:
    yield HOSTILE
    yield b"abc"


async def whole(pieces: AsyncGenerator[bytes, None]) -> io.BytesIO:
    return io.BytesIO(b"".join([piece async for piece in pieces]))


async def test_zip_has_no_name_that_windows_takes_as_a_path_elsewhere() -> None:
    with zipfile.ZipFile(await whole(zip_of(contents()))) as archive:
        (info,) = archive.infolist()
        assert (info.filename, archive.read(info)) == ("top/..__..__C_evil.dll", b"abc")
        assert info.external_attr >> 16 & 0o7777 == 0o755


async def test_tar_gives_no_program_the_rights_of_another_user() -> None:
    with tarfile.open(fileobj=await whole(tar_of(contents()))) as archive:
        (info,) = archive.getmembers()
        assert (info.name, info.mode) == ("top/..\\..\\C:evil.dll", 0o755)


async def repeated() -> AsyncIterator[Entry | bytes]:
    """A damaged folder with names that are there twice, and names that become one in a ZIP archive."""
    for path, kind in (
        ("top", "folder"),
        ("top/a:b", "folder"),
        ("top/a:b/x", "file"),
        ("top/a_b", "folder"),
        ("top/a_b/x", "file"),
        ("top/a_b/x", "file"),
        ("top/a_b/x~2", "file"),
        ("top/same", "file"),
        ("top/same", "folder"),
        ("top/same/x", "file"),
    ):
        yield Entry(path=path, name=path, kind=kind, size=len(path) if kind == "file" else 0)  # type: ignore[arg-type]
        if kind == "file":
            yield path.encode()


async def test_no_member_of_an_archive_replaces_another() -> None:
    with zipfile.ZipFile(await whole(zip_of(repeated()))) as archive:
        names = archive.namelist()
        assert names == [
            *("top/", "top/a_b/", "top/a_b/x", "top/a_b~2/", "top/a_b~2/x", "top/a_b~2/x~2", "top/a_b~2/x~2~2"),
            *("top/same", "top/same~2/", "top/same~2/x"),
        ]
        assert archive.read("top/a_b~2/x") == b"top/a_b/x"
    with tarfile.open(fileobj=await whole(tar_of(repeated()))) as tar:
        assert len(set(tar.getnames())) == 10
        assert "top/a:b/x" in tar.getnames()
