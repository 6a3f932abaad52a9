"""Writes an OVA: the files of a package in one tar archive, in the order that the standard requires (DSP0243)."""

from __future__ import annotations

import asyncio
import errno
import os
import tarfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from pathlib import Path

from service.transfer.disk_space import LOOK_BYTES, require_space

CHUNK = 4 << 20
"""Bytes that are copied at once."""
LARGEST_IN_USTAR = 0o77777777777
"""Bytes; 8 GiB less one is the largest size that fits into a plain ustar header."""
END = bytes(2 * tarfile.BLOCKSIZE)


def header(name: str, size: int, changed_at: int) -> bytes:
    """The header of one entry: its bytes and the time of its last change; raises ValueError for a name too long.

    The size of a disk of 8 GiB or more is written in base 256, as GNU tar writes it and OVF tools read it; a plain
    ustar header cannot hold it.
    """
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size, changed_at, 0o644
    return entry.tobuf(tarfile.USTAR_FORMAT if size <= LARGEST_IN_USTAR else tarfile.GNU_FORMAT, "utf-8", "strict")


async def write_ova(folder: Path, names: Sequence[str], to: Path, progress: Callable[[int], None], keep: int) -> None:
    """Pack the files `names` of `folder` in this order into `to`; `progress` receives the bytes so far.

    Raises OSError, and DiskFull when less than `keep` bytes of disk space would stay free.
    """
    loop = asyncio.get_running_loop()
    done, next_look = 0, 0
    with ThreadPoolExecutor(1, thread_name_prefix="ova") as writer, to.open("wb") as archive:
        for name in names:
            with (folder / name).open("rb", 0) as file:
                status = os.fstat(file.fileno())
                await loop.run_in_executor(writer, archive.write, header(name, status.st_size, int(status.st_mtime)))

                def copy(most: int, file: FileIO = file) -> int:
                    return archive.write(file.read(most))

                left = status.st_size
                while left:
                    if done >= next_look:
                        require_space(to, min(left, LOOK_BYTES), keep)
                        next_look = done + LOOK_BYTES
                    count = await loop.run_in_executor(writer, copy, min(CHUNK, left))
                    if not count:
                        raise OSError(errno.EIO, f"{name} became shorter while it was packed")
                    left -= count
                    done += count
                    progress(done)
                await loop.run_in_executor(writer, archive.write, bytes(-status.st_size % tarfile.BLOCKSIZE))
        await loop.run_in_executor(writer, archive.write, END)
        archive.flush()
        await loop.run_in_executor(writer, os.fsync, archive.fileno())
