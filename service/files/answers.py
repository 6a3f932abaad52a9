"""The pipe on which a process answers: a thread reads whole frames, which is faster than the reader of asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
from concurrent.futures import Executor
from types import TracebackType
from typing import Any, Self

from service.workers.frames import LARGEST_HEADER, LENGTHS

PIPE_BYTES = 1 << 20
"""How much a process may send ahead; the most that Linux gives to users."""
LARGEST_FRAME = 8 << 20

Frame = tuple[dict[str, Any], bytes]


class Answers:
    """A context manager with a new pipe; end the process before the block ends, so that no thread reads any more."""

    def __init__(self, threads: Executor) -> None:
        self._threads = threads
        self._buffer = bytearray(LARGEST_FRAME)
        self._reading: asyncio.Future[Frame] | None = None

    async def __aenter__(self) -> Self:
        """Open the pipe."""
        self._from, self.to = os.pipe()
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._from, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the pipe, when nothing reads it any more."""
        self.started()
        if self._reading is not None:
            await asyncio.wait([self._reading])
            if not self._reading.cancelled():
                self._reading.exception()
        os.close(self._from)

    def started(self) -> None:
        """Close the end for writing, `to`, which the process has by now."""
        if self.to >= 0:
            os.close(self.to)
            self.to = -1

    async def next(self, seconds: float) -> Frame:
        """The next frame. Raises TimeoutError, EOFError when the process has ended, and ValueError for no frame."""
        self._reading = asyncio.get_running_loop().run_in_executor(self._threads, self._read)
        async with asyncio.timeout(seconds):
            return await asyncio.shield(self._reading)

    def _read(self) -> Frame:
        header, size = LENGTHS.unpack(self._exactly(LENGTHS.size))
        if header > LARGEST_HEADER or size > LARGEST_FRAME:
            raise ValueError("the frame is too large")
        return json.loads(self._exactly(header)), self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        whole = memoryview(self._buffer)[:size]
        left = whole
        while left:
            if not (count := os.readv(self._from, [left])):
                raise EOFError
            left = left[count:]
        return bytes(whole)
