"""A folder of a package as a tar or a ZIP archive, made while it is read."""

from __future__ import annotations

import stat
import tarfile
import time
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
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
    size, names = 0, UniqueNames()
    async for each in contents:
        if isinstance(each, bytes):
            size += len(each)
            yield each
            continue
        yield bytes(-size % BLOCK)
        size = 0
        if header := tar_header(replace(each, mtime=max(0, each.mtime)), names.of(_raw(each.path))):
            yield header
    yield bytes(-size % BLOCK + 2 * BLOCK)


def tar_header(entry: Entry, name: str, permissions: int = PERMISSIONS) -> bytes:
    """What comes before the bytes of a member (pax), with these of its permissions; empty for a device or a pipe.

    `name` can have bytes that are not UTF-8, as `surrogateescape` writes them.
    """
    types = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}
    if entry.kind not in types:
        return b""
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.mtime = types[entry.kind], entry.mode & permissions, entry.mtime
    info.uid, info.gid = entry.uid, entry.gid
    info.size = entry.size if entry.kind == "file" else 0
    info.linkname = _raw(entry.target)
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


async def zip_of(contents: AsyncIterator[Entry | bytes]) -> AsyncGenerator[bytes, None]:
    """A ZIP archive, not compressed, of the files and folders; names are escaped, and links are left out."""
    sink, names = _Sink(), UniqueNames()
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
                    writing = archive.open(
                        _zip_info(each, names.of(each.path.translate(SEPARATORS))), "w", force_zip64=True
                    )
            yield sink.taken()
        if writing is not None:
            writing.close()
    yield sink.taken()


def _zip_info(entry: Entry, name: str) -> zipfile.ZipInfo:
    at = time.gmtime(max(0, min(entry.mtime, 1 << 33)))[:6]
    folder = entry.kind == "folder"
    info = zipfile.ZipInfo(f"{name}/" if folder else name, max(EARLIEST_ZIP, min(at, LATEST_ZIP)))
    info.external_attr = (entry.mode & PERMISSIONS | (stat.S_IFDIR if folder else stat.S_IFREG)) << 16
    return info


class UniqueNames:
    """Gives each member of an archive a path of its own, so that no file replaces another where it is unpacked.

    A damaged folder can have a name twice, and two names can become one where characters are replaced. The paths come
    as `PackageFiles.contents` gives them: what is in a folder directly follows it.
    """

    def __init__(self) -> None:
        self._made: list[str] = []
        self._seen: list[dict[str, int]] = [{}]

    def of(self, path: str) -> str:
        """The path, or one with `~2`, `~3` and so on behind a name that was there before."""
        parts = path.split("/")
        depth = len(parts) - 1
        del self._made[depth:]
        del self._seen[depth + 1 :]
        while len(self._made) < depth:
            self._made.append(parts[len(self._made)])
            self._seen.append({})
        seen, name = self._seen[depth], parts[-1]
        while (again := seen.get(name)) is not None:
            seen[name] = again + 1
            name = f"{parts[-1]}~{again + 1}"
        seen[name] = 1
        self._made.append(name)
        self._seen.append({})
        return "/".join(self._made)


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
