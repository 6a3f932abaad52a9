"""A folder of a package as a tar or a ZIP archive, made while it is read."""

from __future__ import annotations

import stat
import tarfile
import time
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator
from typing import IO, cast

from service.files.names import unescape
from service.files.values import Entry

BLOCK = tarfile.BLOCKSIZE
PERMISSIONS = 0o777
"""Without the bits that let a program of the guest run as another user where root unpacks it."""
SEPARATORS = str.maketrans("\\:", "__")
"""What Windows takes as the end of a folder or of a drive, in a ZIP archive."""
EARLIEST_ZIP = (1980, 1, 1, 0, 0, 0)
LATEST_ZIP = (2107, 12, 31, 23, 59, 58)


async def tar_of(contents: AsyncIterator[Entry | bytes]) -> AsyncGenerator[bytes, None]:
    """A tar archive (pax) of what `PackageFiles.contents` yields; it keeps links, and leaves out devices and pipes."""
    size = 0
    async for each in contents:
        if isinstance(each, bytes):
            size += len(each)
            yield each
            continue
        yield bytes(-size % BLOCK)
        size = 0
        if (info := _tar_info(each)) is not None:
            yield info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    yield bytes(-size % BLOCK + 2 * BLOCK)


def _tar_info(entry: Entry) -> tarfile.TarInfo | None:
    types = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}
    if entry.kind not in types:
        return None
    info = tarfile.TarInfo(_raw(entry.path))
    info.type, info.mode, info.mtime = types[entry.kind], entry.mode & PERMISSIONS, max(0, entry.mtime)
    info.uid, info.gid = entry.uid, entry.gid
    info.size = entry.size if entry.kind == "file" else 0
    info.linkname = _raw(entry.target)
    return info


async def zip_of(contents: AsyncIterator[Entry | bytes]) -> AsyncGenerator[bytes, None]:
    """A ZIP archive, not compressed, of the files and folders; names are escaped, and links are left out."""
    sink = _Sink()
    with zipfile.ZipFile(cast("IO[bytes]", sink), "w") as archive:
        writing = None
        async for each in contents:
            if isinstance(each, bytes):
                assert writing is not None
                writing.write(each)
            else:
                if writing is not None:
                    writing.close()
                    writing = None
                if each.kind in ("file", "folder"):
                    writing = archive.open(_zip_info(each), "w", force_zip64=True)
            yield sink.taken()
        if writing is not None:
            writing.close()
    yield sink.taken()


def _zip_info(entry: Entry) -> zipfile.ZipInfo:
    at = time.gmtime(max(0, min(entry.mtime, 1 << 33)))[:6]
    folder = entry.kind == "folder"
    name = entry.path.translate(SEPARATORS)
    info = zipfile.ZipInfo(f"{name}/" if folder else name, max(EARLIEST_ZIP, min(at, LATEST_ZIP)))
    info.external_attr = (entry.mode & PERMISSIONS | (stat.S_IFDIR if folder else stat.S_IFREG)) << 16
    return info


class _Sink:
    """A file that can only be written, and gives away what was written."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _raw(text: str) -> str:
    return unescape(text).decode("utf-8", "surrogateescape")
