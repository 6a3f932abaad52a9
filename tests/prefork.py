"""Starts `vmkops` commands from a process that has already imported the program.

To import the service takes seconds of CPU time, and the tests start it hundreds of times. One process for each test
worker imports it once and then forks for each start. The fork runs the same `main` with its own arguments,
environment and files; only the imports are shared. Tests of the start itself run the command instead.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).parents[1]


class Forked:
    """A forked `vmkops` command, with the part of the interface of `subprocess.Popen` that the tests use."""

    def __init__(self, words: list[str], environment: dict[str, str], log: TextIO) -> None:
        self._forker = _forker()
        readable, writable = os.pipe()
        self.pid = self._forker.ask(
            {"words": words, "environment": environment, "directory": str(Path.cwd())}, [writable, log.fileno()]
        )
        os.close(writable)
        self.stdout = os.fdopen(readable)
        self._ended = os.pidfd_open(self.pid)
        self._status: int | None = None
        self._waiting = threading.Lock()
        """Tests wait in several threads, and the status of a process can be asked for once."""

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal, or None while the command runs."""
        return self._wait(0)

    def send_signal(self, number: int) -> None:
        """Send a signal to the command."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, timeout: float) -> int:
        """Wait for the end and return the exit status; raises TimeoutExpired after so many seconds."""
        status = self._wait(timeout)
        if status is None:
            raise subprocess.TimeoutExpired("vmkops", timeout)
        return status

    def _wait(self, timeout: float) -> int | None:
        with self._waiting:
            if self._status is None and select.select([self._ended], [], [], timeout)[0]:
                self._status = self._forker.ask({"ended": self.pid}, [])
                os.close(self._ended)
            return self._status


class _Forker:
    """The process that forks, as the tests see it; it ends with the test worker."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.prefork"], cwd=ROOT, stdin=theirs, stdout=subprocess.DEVNULL
            )
        atexit.register(self._stop)

    def _stop(self) -> None:
        self._socket.close()
        self._process.wait()

    def ask(self, request: dict[str, Any], files: list[int]) -> int:
        data = json.dumps(request).encode()
        with self._asking:
            socket.send_fds(self._socket, [len(data).to_bytes(4)], files)
            self._socket.sendall(data)
            answer = self._socket.recv(8)
        if not answer:
            raise RuntimeError("the process that starts vmkops for the tests has ended")
        return int.from_bytes(answer, signed=True)


@cache
def _forker() -> _Forker:
    return _Forker()


def main() -> int:
    """Answer requests from standard input: fork a command (its process id), or report its exit status."""
    _import_everything()
    requests = socket.socket(fileno=0)
    while True:
        size, files, _, _ = socket.recv_fds(requests, 4, 2)
        if not size:
            return 0
        request = json.loads(requests.recv(int.from_bytes(size), socket.MSG_WAITALL))
        if "ended" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["ended"], 0)[1])
        else:
            answer = os.fork()
            if not answer:
                return _run(request, files)
        for file in files:
            os.close(file)
        requests.sendall(answer.to_bytes(8, signed=True))


def _import_everything() -> None:
    """Import what `vmkops serve` imports in the course of its start."""
    for module in ("bot.app", "service.bootstrap", "vmkops.commands.serve"):
        import_module(module)
    from service.actions import all_actions
    from service.http._route import all_routes

    all_actions()
    all_routes()
    assert threading.active_count() == 1, "a fork has no other threads"


def _run(request: dict[str, Any], files: list[int]) -> int:
    from vmkops.__main__ import main as run

    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in enumerate((nothing, *files)):
        os.dup2(file, number)
        os.close(file)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["directory"])
    return run(request["words"])


if __name__ == "__main__":
    sys.exit(main())
