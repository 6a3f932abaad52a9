"""A program in a pseudo-terminal: the one place of the tests that starts it, reads what it prints and types into it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self


class PseudoTerminal:
    """A program whose standard streams are a terminal of its own; it is killed at the end of the block."""

    def __init__(
        self,
        words: Sequence[str | Path],
        environment: Mapping[str, str],
        *,
        folder: Path | None = None,
        size: tuple[int, int] | None = None,
    ) -> None:
        self._words = words
        self._environment = environment
        self._folder = folder
        self._size = size
        """Rows and columns, where the program looks at them."""

    def __enter__(self) -> Self:
        self._ours, theirs = pty.openpty()
        if self._size:
            termios.tcsetwinsize(theirs, self._size)
        self._process = subprocess.Popen(
            self._words,
            cwd=self._folder,
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

    def read(self, seconds: float) -> bytes | None:
        """What is printed next, within so many seconds: None when nothing is, and empty when the program has ended."""
        ready, _, _ = select.select([self._ours], [], [], max(0, seconds))
        if not ready:
            return None
        try:
            return os.read(self._ours, 4096)
        except OSError:  # the program has ended
            return b""

    def read_until(self, words: str, seconds: float) -> str:
        """Everything that is printed up to these words; AssertionError when they do not come."""
        shown, deadline = "", time.monotonic() + seconds
        while words not in shown:
            more = self.read(deadline - time.monotonic())
            assert more, f"{words!r} was not printed in {seconds} s: {shown!r}"
            shown += more.decode(errors="replace")
        return shown

    def write(self, text: str) -> None:
        """Press these keys."""
        os.write(self._ours, text.encode())

    def wait(self, seconds: float) -> int:
        """Read to the end of the program, and return its exit status."""
        while self.read(seconds):
            pass
        return self._process.wait(timeout=seconds)


def _own_terminal() -> None:
    """Make the terminal the one that controls the new session, so that Ctrl-C reaches the program."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell that runs the tests in its background ignores it for them
