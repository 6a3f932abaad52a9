"""A peer as a child process that ends with us, whatever ends us."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO

ENDED = "peer ended with status"

# Ends the command when standard input closes: that is on `stop`, and when this process dies by a signal.
WATCH_STDIN = f"""
exec 3<&0
"$@" & child=$!
(cat <&3 >/dev/null; kill "$child" 2>/dev/null) &
wait "$child"
echo "{ENDED} $?"
"""


class PeerProcess:
    """Runs a command, and knows the line by which it says that it is ready."""

    def __init__(self, command: Sequence[str], *, watches_stdin: bool = False) -> None:
        """Start the command; one that does not end by itself when its standard input closes is made to."""
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop
        started = list(command) if watches_stdin else ["sh", "-c", WATCH_STDIN, "sh", *command]
        self.process = subprocess.Popen(
            started, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True
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
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def stop(self) -> None:
        """End the command and wait for that."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if not self.errors.closed:
            self.errors.close()
