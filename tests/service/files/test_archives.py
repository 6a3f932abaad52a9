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
