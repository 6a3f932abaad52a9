"""Downloads one disk from its lease into a file and hashes it on the way; the data never passes through pyVmomi."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp

from service.errors import CopyFailed, DiskFull, DiskRefused
from service.transfer.disk_space import FULL, LOOK_BYTES, require_space
from service.transfer.host_request import host_request
from service.transfer.stall import Stall
from service.vsphere.host_tls import HostTls

BLOCK = 4 << 20
"""Bytes that are hashed and written at once."""


async def download_disk(
    url: str,
    to: Path,
    tls: HostTls,
    progress: Callable[[int, int | None], None],
    keep: int,
    stall: Stall,
    begins: bytes = b"",
) -> tuple[int, str]:
    """Read `url` into the file `to` and return its size in bytes and its SHA-256 in hex.

    `progress` receives the bytes so far and the bytes in all, None where the host does not report them. The file must
    begin with the bytes `begins`. Raises DiskRefused, at its first block, when it does not, CopyFailed when the data
    ends early or `stall` ends it, CertificateUntrusted as `host_request` does, and DiskFull when less than `keep` bytes
    of disk space would stay free; the incomplete file is removed.
    """

    def received(done: int, total: int | None) -> None:
        stall.moved()
        progress(done, total)

    try:
        async with stall.watched(), host_request("GET", url, tls) as response:
            if response.status != 200:
                raise CopyFailed(
                    f"The host answered {response.status} {response.reason} to the download of the disk {to.name}."
                )
            size, digest = await _save(response, to, received, keep, begins)
            expected = response.content_length
        if expected is not None and expected != size:
            raise CopyFailed(f"The disk {to.name} ended after {size:,} of {expected:,} bytes.")
        if size < len(begins):
            raise _refused(to)
    except BaseException as error:
        await asyncio.to_thread(to.unlink, missing_ok=True)
        if isinstance(error, OSError) and error.errno in FULL:
            raise DiskFull(
                f"No disk space is left in {to.parent} for the disk {to.name}. Free up space, then try again."
            ) from error
        if isinstance(error, (aiohttp.ClientError, TimeoutError, OSError)):
            reason = str(error) or type(error).__name__
            raise CopyFailed(
                f"The download of the disk {to.name} was interrupted: {reason}. Check the network between this service "
                "and the host, then try again."
            ) from error
        raise
    return size, digest


async def _save(
    response: aiohttp.ClientResponse,
    to: Path,
    progress: Callable[[int, int | None], None],
    keep: int,
    begins: bytes,
) -> tuple[int, str]:
    loop = asyncio.get_running_loop()
    size, digest, next_look = 0, hashlib.sha256(), 0

    with to.open("wb") as file:

        def write(chunks: list[bytes]) -> None:
            block = b"".join(chunks)  # one large write costs the kernel less than many small ones
            if file.tell() == 0 and not block.startswith(begins[: len(block)]):
                raise _refused(to)
            digest.update(block)
            file.write(block)
            file.flush()
            _start_writeback(file.fileno())

        with ThreadPoolExecutor(1, thread_name_prefix="disk") as writer:
            # While the thread hashes and writes one block, the next is read from the network here. Blocks are large,
            # because the two threads wait for each other at each handover.
            writing: asyncio.Future[None] | None = None
            chunks: list[bytes] = []
            buffered = 0
            async for chunk, _ in response.content.iter_chunks():
                chunks.append(chunk)
                buffered += len(chunk)
                progress(size + buffered, response.content_length)
                if buffered < BLOCK:
                    continue
                if writing is not None:
                    await writing
                if size >= next_look:
                    require_space(to, LOOK_BYTES, keep)
                    next_look = size + LOOK_BYTES
                writing = loop.run_in_executor(writer, write, chunks)
                size += buffered
                chunks, buffered = [], 0
            if writing is not None:
                await writing
            await loop.run_in_executor(writer, write, chunks)
            size += buffered
        await asyncio.to_thread(os.fsync, file.fileno())
    return size, digest.hexdigest()


def _refused(disk: Path) -> DiskRefused:
    return DiskRefused(
        f"What the host sent for the disk {disk.name} is not a VMDK, so no VM could be made of it. Check whether a "
        "proxy between this service and the host answers in its place, and whether the VM starts from this disk."
    )


def _start_writeback(file: int) -> None:
    """Let the kernel start to write its cached pages of the file to the disk, and drop those that are written.

    Disk and network then work at the same time, the final fsync is short, and a backup does not push everything else
    out of the page cache. Only Linux is known to behave so (`mm/fadvise.c`).
    """
    if sys.platform == "linux":
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
