"""The pipe between a download and a save command: a thread decodes, hashes and writes while the next block arrives."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from service.errors import SaveFailed
from service.saving.process import SaveProcess
from service.saving.store import DiskFacts, Store
from service.saving.vmdk_decoder import VmdkDecoder

LOOK_SECONDS = 5.0
"""How often it is looked at whether the command still reads."""


class RawDisk(NamedTuple):
    """A disk that was saved: the id in the store, the bytes that this added there, and the raw disk's hash and size."""

    archive: str
    added: int | None
    size: int
    sha256: str


class SavePipe:
    """Takes one VMDK stream block by block, and gives the raw disk to a command.

    `sent_size`, `sent_sha256` and `sent_sha1` are those of the stream as it came.
    """

    def __init__(self, store: Store, facts: DiskFacts, process: SaveProcess, name: str) -> None:
        self._store = store
        self._facts = facts
        self._process = process
        self._decoder = VmdkDecoder(name)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="save")
        self._working: asyncio.Future[None] | None = None
        self._sha256, self._sha1, self._raw = hashlib.sha256(), hashlib.sha1(usedforsecurity=False), hashlib.sha256()
        self._begun = False
        self._raw_size = self._written = 0
        self.sent_size = 0

    async def write(self, chunks: Sequence[bytes], moved: Callable[[], None]) -> None:
        """Take the next block; returns when the one before it is through. `moved` is called while that takes time."""
        await self._through(moved)
        self._working = asyncio.get_running_loop().run_in_executor(self._worker, self._decode, chunks)

    async def flush(self, moved: Callable[[], None]) -> None:
        """Write what is left; the command does not see the end of its input yet."""
        await self._through(moved)
        self._working = asyncio.get_running_loop().run_in_executor(self._worker, self._end)
        await self._through(moved)

    async def commit(self) -> RawDisk:
        """Close the input of the command and wait for its end; raises SaveFailed when it failed."""
        self._process.close_pipe()
        ended = await self._process.ended()
        archive = self._store.archive(self._facts, ended)
        return RawDisk(archive.id, archive.added, self._raw_size, self._raw.hexdigest())

    def close(self) -> None:
        """Let the thread go, once the command has ended."""
        if self._working is not None:
            self._working.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._worker.shutdown(wait=False, cancel_futures=True)

    @property
    def sent(self) -> tuple[int, str, str]:
        """Bytes, SHA-256 and SHA-1 in hex of the stream as it came."""
        return self.sent_size, self._sha256.hexdigest(), self._sha1.hexdigest()

    async def _through(self, moved: Callable[[], None]) -> None:
        """Wait until the thread has written its block; raises SaveFailed when the command does not read it."""
        working, quiet, before = self._working, 0.0, self._written
        if working is None:
            return
        while not working.done():
            await asyncio.wait([working], timeout=LOOK_SECONDS)
            moved()  # the host waits for the command
            quiet = quiet + LOOK_SECONDS if self._written == before else 0.0
            before = self._written
            idle = self._store.profile.table.idle_seconds
            if not working.done() and quiet >= idle:
                raise SaveFailed(
                    f"The command of the save profile {self._store.profile.name} has read nothing for {idle} seconds "
                    "and was stopped. Check the store and its network."
                )
        self._working = None
        try:
            working.result()
        except BrokenPipeError as error:
            ended = await self._process.ended()
            if ended.status not in self._store.kind.good:
                raise SaveFailed(self._store.failed("saving a disk", ended)) from error
            said = self._store.shown(ended.err) or self._store.shown(ended.out) or "it printed nothing"
            raise SaveFailed(
                f"The command of the save profile {self._store.profile.name} ended with exit status {ended.status} "
                f"before it had read the whole disk: {said}"
            ) from error

    def _decode(self, chunks: Sequence[bytes]) -> None:
        block = b"".join(chunks)
        self._sha256.update(block)
        self._sha1.update(block)
        self.sent_size += len(block)
        self._put_all(self._decoder.feed(block))

    def _end(self) -> None:
        self._put_all(self._decoder.finish())
        self._put(self._store.kind.after(self._decoder.capacity))

    def _put_all(self, pieces: Iterable[bytes | memoryview]) -> None:
        for piece in pieces:
            if not self._begun:
                self._begun = True
                self._put(self._store.kind.before(self._facts.path, self._decoder.capacity))
            self._raw.update(piece)
            self._raw_size += len(piece)
            self._put(piece)

    def _put(self, piece: bytes | memoryview) -> None:
        left = memoryview(piece)
        while left:
            count = os.write(self._process.pipe, left)
            self._written += count
            left = left[count:]
