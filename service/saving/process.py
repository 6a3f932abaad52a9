"""One save command while it runs: its output is kept to a tail, and nothing of it outlives the service."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

KEEPER = Path(__file__).with_name("keeper.py")
GRACE_SECONDS = 5.0
"""How long a command that is asked to end may take before it is killed."""
MOST_OUT, MOST_ERR = 64 << 10, 8 << 10
"""Bytes that are kept of the end of standard output and standard error."""
PIPE_BYTES = 1 << 20
"""What a pipe holds, so that both sides rarely wait; the kernel may allow less."""
F_SETPIPE_SZ = 1031
"""From `linux/fcntl.h`."""


class Ended(NamedTuple):
    """How a command ended: its exit status (128 and the signal when it was killed) and the end of its output."""

    status: int
    out: str
    err: str


class SaveProcess:
    """A command in a session of its own, behind the keeper.

    `pipe` is the service's end of its standard input or output, a file descriptor that blocks; -1 when there is none.
    """

    def __init__(self, process: asyncio.subprocess.Process, lifeline: int, pipe: int, most_out: int) -> None:
        self._process = process
        self._lifeline = lifeline
        self.pipe = pipe
        self._output = asyncio.gather(_tail(process.stdout, most_out), _tail(process.stderr, MOST_ERR))

    @classmethod
    async def start(
        cls,
        words: Sequence[str],
        environment: Mapping[str, str],
        *,
        pipe: str = "",
        polite: int = signal.SIGTERM,
        most_out: int = MOST_OUT,
    ) -> Self:
        """Start a command; `pipe` is `in` to write its standard input, `out` to read its standard output.

        `polite` is the signal that asks it to end, and `most_out` how many bytes of its output are kept. Raises
        OSError when no process can be started.
        """
        lifeline, hold = os.pipe()
        ends = os.pipe() if pipe else (-1, -1)
        theirs, ours = ends if pipe == "in" else ends[::-1]
        try:
            if pipe and sys.platform == "linux":
                import fcntl

                with contextlib.suppress(OSError):
                    fcntl.fcntl(ours, F_SETPIPE_SZ, PIPE_BYTES)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-I", "-S", str(KEEPER), str(lifeline), str(int(polite)), str(GRACE_SECONDS), *words),
                stdin=theirs if pipe == "in" else asyncio.subprocess.DEVNULL,
                stdout=theirs if pipe == "out" else asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=dict(environment),
                pass_fds=(lifeline,),
                start_new_session=True,
            )
        except BaseException:
            for each in (hold, ours):
                _close(each)
            raise
        finally:
            for each in (lifeline, theirs):
                _close(each)
        return cls(process, hold, ours, most_out)

    @property
    def has_ended(self) -> bool:
        """Whether it is known to have ended."""
        return self._process.returncode is not None

    def close_pipe(self) -> None:
        """Close the service's end of the pipe, which ends the input of the command."""
        _close(self.pipe)
        self.pipe = -1

    async def ended(self) -> Ended:
        """Wait until the command has ended and all its output is read."""
        out, err = await asyncio.shield(self._output)
        status = await self._process.wait()
        _close(self._lifeline)
        self._lifeline = -1
        return Ended(status, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    async def stop(self) -> None:
        """End the command and everything that it started; does nothing when it has ended.

        The pipe is closed last: a command that saw the end of its input could take half a disk for a whole one.
        """
        try:
            if self._lifeline >= 0 and not self.has_ended:
                with contextlib.suppress(OSError):
                    os.write(self._lifeline, b"t")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(GRACE_SECONDS + 2):
                        await self._process.wait()
        finally:
            _close(self._lifeline)  # the keeper kills what is left
            self._lifeline = -1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE_SECONDS):
                    await self._process.wait()
            self.close_pipe()
            self._output.cancel()
            await asyncio.gather(self._output, return_exceptions=True)


async def _tail(stream: asyncio.StreamReader | None, most: int) -> bytes:
    """The last `most` bytes of a stream that is read to its end."""
    chunks, size = deque[bytes](), 0
    while stream is not None and (chunk := await stream.read(1 << 16)):
        chunks.append(chunk)
        size += len(chunk)
        while size - len(chunks[0]) >= most:
            size -= len(chunks.popleft())
    return b"".join(chunks)[-most:]


def _close(handle: int) -> None:
    if handle >= 0:
        with contextlib.suppress(OSError):
            os.close(handle)
