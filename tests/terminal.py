"""A terminal in which a person types a `vmkops` command and answers its questions."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tests.running_service import VMKOPS, RunningService
from tests.vmkops.terminal import PLAIN

PATIENCE_SECONDS = 60
COLOR = re.compile(r"\x1b\[[0-9;]*m")
SCREEN = {"COLUMNS": "300", "TERM": "xterm"}


class Terminal:
    """`vmkops WORDS` against a service, with a pseudo-terminal for everything that it reads and prints."""

    def __init__(self, service: RunningService, *words: str, **more: str) -> None:
        own = {"VMKOPS_SERVICE_URL": service.url, "VMKOPS_TOKEN": service.token}
        self._begin({**service.environment, **own, **SCREEN, **more}, words)

    @classmethod
    def plain(cls, *words: str, **more: str) -> Self:
        """A command without a service and without any settings of the machine."""
        made = cls.__new__(cls)
        made._begin({**PLAIN, **SCREEN, **more}, words)
        return made

    def _begin(self, environment: Mapping[str, str], words: tuple[str, ...]) -> None:
        self._environment = environment
        self._words = words

    def __enter__(self) -> Self:
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [VMKOPS, *self._words],
            env=self._environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_own_terminal,
        )
        os.close(theirs)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._ours)

    def read_until(self, words: str) -> str:
        """Everything that is printed up to these words, without colors; AssertionError when they do not come."""
        shown, deadline = "", time.monotonic() + PATIENCE_SECONDS
        while words not in shown:
            ready, _, _ = select.select([self._ours], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{words!r} was not printed in {PATIENCE_SECONDS} s: {shown}"
            try:
                shown = COLOR.sub("", shown + os.read(self._ours, 4096).decode(errors="replace").replace("\r\n", "\n"))
            except OSError as end:  # the command has ended
                raise AssertionError(f"{words!r} was not printed: {shown}") from end
        return shown

    def type(self, line: str) -> None:
        """Type a line, and press Enter."""
        os.write(self._ours, f"{line}\n".encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self._ours, b"\x03")

    def wait(self) -> int:
        """Wait for the end of the command and return its exit status."""
        while True:
            try:
                if not os.read(self._ours, 4096):
                    break
            except OSError:
                break
        return self._process.wait(timeout=PATIENCE_SECONDS)


def _own_terminal() -> None:
    """Make the terminal the one that controls the new session, so that Ctrl-C reaches the command."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell that runs the tests in its background ignores it for them
