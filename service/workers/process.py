"""One parser process, as the service sees it: started, asked, and killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.background import wait_for_end
from service.workers.frames import LARGEST_HEADER, LENGTHS, frame

MODULE = "service.workers.child"
PASSED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME")
"""The environment of a parser process: what Python itself needs, and no setting of vmkops."""
END_SECONDS = 1.0
"""How long a process that no longer answers may take to end by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a parser process may use for one request."""

    seconds: int
    """From the request to the answer; then it is killed."""
    memory: int
    """Bytes of address space."""


class NoAnswerError(Exception):
    """The process ended, or its answer is too large or no frame; it must be killed."""


class ParserProcess:
    """A parser process; it answers one request at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, limits: Limits, data_dir: str) -> ParserProcess:
        """Start one in a session of its own; `ready` waits until it has imported the parsers. Raises OSError."""
        words = ["-P", "-m", MODULE, str(limits.memory), str(os.getpid()), data_dir]
        environment = {name: os.environ[name] for name in PASSED if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id, which is also that of its process group."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it is known to have ended."""
        return self._process.returncode is not None

    async def ready(self) -> None:
        """Wait until it can take a request; raises NoAnswerError."""
        await self._read(0)

    async def ask(self, header: Mapping[str, Any], file: bytes, most: int) -> tuple[dict[str, Any], bytes]:
        """Send a request and return the answer, whose value has at most `most` bytes; raises NoAnswerError."""
        requests = self._process.stdin
        assert requests is not None
        try:
            requests.writelines(frame(dict(header), file))
            await requests.drain()
        except ConnectionError as error:
            raise NoAnswerError from error
        return await self._read(most)

    async def _read(self, most: int) -> tuple[dict[str, Any], bytes]:
        answers = self._process.stdout
        assert answers is not None
        try:
            first, size = LENGTHS.unpack(await answers.readexactly(LENGTHS.size))
            if first > LARGEST_HEADER or size > most:
                raise NoAnswerError
            answer = json.loads(await answers.readexactly(first))
            value = await answers.readexactly(size)
        except (ConnectionError, EOFError, ValueError) as error:
            raise NoAnswerError from error
        if not isinstance(answer, dict):
            raise NoAnswerError
        return answer, value

    async def was_killed(self) -> bool:
        """Whether it was killed by somebody else, such as the kernel when memory runs out; waits for its end a moment.

        Its own limits end it by other signals or with an answer.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                return await self._process.wait() == -signal.SIGKILL
        return False

    async def kill(self) -> None:
        """Kill it and all processes of its group, and wait until it has ended."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        await wait_for_end(self._process)
