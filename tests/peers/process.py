"""A peer as a child process that ends with us, whatever ends us."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import IO, Literal

ENDED = "peer ended with status"
STOP_SECONDS = 30
"""A program ends at once when it is told to, but the machine may be busy with other tests."""

# Sends the command the signal $0 when standard input closes: that is on `stop`, and when this process dies by a signal.
WATCH_STDIN = f"""
exec 3<&0
"$@" & child=$!
(cat <&3 >/dev/null; kill -s "$0" "$child" 2>/dev/null) &
wait "$child"
echo "{ENDED} $?"
"""


class PeerProcess:
    """Runs a command, and knows the line by which it says that it is ready."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        watches_stdin: bool = False,
        environment: Mapping[str, str] | None = None,
        ended_by: Literal["TERM", "KILL"] = "TERM",
    ) -> None:
        """Start the command; one that does not end by itself when its standard input closes is sent this signal.

        It gets this environment, or that of this process. KILL is for a program that takes long to save what nobody
        needs.
        """
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop
        started = list(command) if watches_stdin else ["sh", "-c", WATCH_STDIN, ended_by, *command]
        self.process = subprocess.Popen(
            started,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=environment,
            start_new_session=True,
        )

    def line_with(self, text: str) -> str:
        """Read the command's output up to the line that holds `text`; RuntimeError when it ends before that."""
        assert self.process.stdout is not None
        seen: list[str] = []
        for line in self.process.stdout:
            if line.startswith(ENDED):
                break
            seen.append(line)
            if text in line:
                return line
        said = "".join(seen) + self.said()
        self.stop()
        raise RuntimeError(f"{self.process.args!r} ended before it was ready:\n{said}")

    def said(self) -> str:
        """What the command wrote to standard error so far."""
        # Without a seek: the command writes at the position of the very same file.
        return os.pread(self.errors.fileno(), os.fstat(self.errors.fileno()).st_size, 0).decode(errors="replace")

    def stacks(self) -> str:
        """End a Go program with SIGQUIT and return what it wrote, with the stacks of all its goroutines at the end.

        The command must be the program itself, that is one that watches its standard input.
        """
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.said()

    def stop(self, seconds: float = STOP_SECONDS) -> str:
        """End the command, wait for that, and return what it wrote to standard error; a second call returns nothing.

        A command that has not ended after so many seconds is killed.
        """
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        try:
            self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.errors.closed:
            return ""
        said = self.said()
        self.errors.close()
        return said
