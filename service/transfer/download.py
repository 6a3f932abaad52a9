"""Streams one disk from its lease into a file, hashing as it goes; the data never passes through pyVmomi."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import ssl
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp

from service.errors import CopyFailed, DiskFull

LOAD = 4 << 20
"""Bytes that are hashed and written at once."""
READ_AHEAD = 256 << 10
"""Bytes that may wait to be taken: more of them would only be held and joined while the disk is behind."""
STALL_SECONDS = 120
"""A read that brings nothing for this long has failed; the lease itself is renewed by its own timer."""


async def copy_disk(
    url: str, to: Path, tls: ssl.SSLContext, progress: Callable[[int, int | None], None]
) -> tuple[int, str]:
    """Read `url` into the file `to` and return its size in bytes and its SHA-256 in hex.

    `progress` is told the bytes so far and, when the host says so, of how many. Raises CopyFailed when the data
    ends early or stalls, DiskFull when there is no room; what was written is then removed.
    """
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=STALL_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, read_bufsize=READ_AHEAD, auto_decompress=False) as http,
            http.get(url, ssl=tls, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise CopyFailed(f"The host answered {response.status} {response.reason} for the disk {to.name}.")
            size, digest = await _write(response, to, progress)
            promised = response.content_length
        if promised is not None and promised != size:
            raise CopyFailed(f"The disk {to.name} ended after {size} of {promised} bytes.")
    except BaseException as error:
        await asyncio.to_thread(to.unlink, missing_ok=True)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise DiskFull(f"There is no room left in {to.parent} for the disk {to.name}.") from error
        if isinstance(error, (aiohttp.ClientError, TimeoutError, OSError)):
            reason = str(error) or type(error).__name__
            raise CopyFailed(f"Reading the disk {to.name} broke off: {reason}.") from error
        raise
    return size, digest


async def _write(
    response: aiohttp.ClientResponse, to: Path, progress: Callable[[int, int | None], None]
) -> tuple[int, str]:
    loop = asyncio.get_running_loop()
    size, digest = 0, hashlib.sha256()

    with to.open("wb") as file:

        def write(pieces: list[bytes]) -> None:
            load = b"".join(pieces)  # one large write costs the kernel less than many small ones
            digest.update(load)
            file.write(load)
            file.flush()
            _send_to_disk(file.fileno())

        with ThreadPoolExecutor(1, thread_name_prefix="disk") as writer:
            # While one load is hashed and written in the thread, the next is read from the network here. Loads are
            # large, because each handing over costs the two threads a wait for each other.
            writing: asyncio.Future[None] | None = None
            pieces: list[bytes] = []
            held = 0
            async for piece, _ in response.content.iter_chunks():
                pieces.append(piece)
                held += len(piece)
                progress(size + held, response.content_length)
                if held < LOAD:
                    continue
                if writing is not None:
                    await writing
                writing = loop.run_in_executor(writer, write, pieces)
                size += held
                pieces, held = [], 0
            if writing is not None:
                await writing
            await loop.run_in_executor(writer, write, pieces)
            size += held
        await asyncio.to_thread(os.fsync, file.fileno())
    return size, digest.hexdigest()


def _send_to_disk(file: int) -> None:
    """Let the kernel write to the disk what it holds of the file, without waiting, and drop what is there already.

    So disk and network work at the same time, the last fsync is short, and a backup does not drive everything else
    out of the page cache. Only Linux is known to do so (`mm/fadvise.c`).
    """
    if sys.platform == "linux":
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
