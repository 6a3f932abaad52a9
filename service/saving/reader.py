"""Reads a disk back from its store, piece by piece; a thread reads the pipe."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor

from service.errors import SaveFailed
from service.saving.process import SaveProcess
from service.saving.store import DiskFacts, SavedDisk, Store

PIECE = 1 << 20
"""Bytes of a piece; the last one is shorter."""


@contextlib.asynccontextmanager
async def raw_disk(store: Store, disk: SavedDisk, facts: DiskFacts) -> AsyncIterator[AsyncGenerator[bytes, None]]:
    """The pieces of a raw disk from its store, in order. They raise SaveFailed when the command fails or hangs."""
    worker = ThreadPoolExecutor(1, thread_name_prefix="save")
    try:
        async with store.reading(disk, facts) as process:
            pieces = _pieces(store, process, worker)
            try:
                yield pieces
            finally:
                await process.stop()  # first: the thread may still read
                await pieces.aclose()
    finally:
        worker.shutdown(wait=False, cancel_futures=True)


async def hash_saved(
    store: Store, disk: SavedDisk, facts: DiskFacts, progress: Callable[[int], None]
) -> tuple[int, str]:
    """Read a disk back and return its bytes and its SHA-256 in hex; `progress` receives the bytes so far.

    It stops after more bytes than the disk has. Raises SaveFailed.
    """
    size, digest = 0, hashlib.sha256()
    async with raw_disk(store, disk, facts) as pieces:
        async for piece in pieces:
            await asyncio.to_thread(digest.update, piece)
            size += len(piece)
            progress(size)
            if size > disk.size:
                break
    return size, digest.hexdigest()


async def _pieces(store: Store, process: SaveProcess, worker: ThreadPoolExecutor) -> AsyncGenerator[bytes, None]:
    loop, idle = asyncio.get_running_loop(), store.profile.table.idle_seconds
    while True:
        reading = loop.run_in_executor(worker, _read, process.pipe)
        done, _ = await asyncio.wait([reading], timeout=idle)
        if not done:
            reading.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            raise SaveFailed(
                f"The command of the save profile {store.profile.name} has sent nothing for {idle} seconds and was "
                "stopped. Check the store and its network."
            )
        piece = reading.result()
        if piece:
            yield piece
        if len(piece) < PIECE:
            break
    ended = await process.ended()
    if ended.status not in store.kind.good:
        raise SaveFailed(store.failed("reading a disk back", ended))


def _read(handle: int) -> bytes:
    """The next piece; shorter only at the end."""
    parts, left = [], PIECE
    while left and (part := os.read(handle, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
