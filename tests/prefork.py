"""Starts `vmkops` commands from a process that has already imported the program.

To import the service takes seconds of CPU time, and the tests start it hundreds of times. One process for each test
worker imports it once and then forks for each start. The fork runs the same `main` with its own arguments,
environment and files; only the imports are shared. Tests of the start itself run the command instead.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NoReturn, TextIO

ROOT = Path(__file__).parents[1]
PR_SET_PDEATHSIG = 1


class Forked:
    """A forked `vmkops` command, with the part of the interface of `subprocess.Popen` that the tests use."""

    def __init__(self, words: list[str], environment: dict[str, str], log: TextIO) -> None:
        readable, writable = os.pipe()
        with Path(os.devnull).open() as nothing:
            self._start(words, environment, Path.cwd(), [nothing.fileno(), writable, log.fileno()])
        os.close(writable)
        self.stdout = os.fdopen(readable)

    def _start(self, words: Sequence[str], environment: Mapping[str, str], folder: Path, files: list[int]) -> None:
        self._forker = _forker()
        request = {"words": list(words), "environment": dict(environment), "directory": str(folder)}
        self.pid = self._forker.ask(request, files)
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


class _Command(Forked):
    """A forked command that reads and writes files."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], folder: Path, files: list[int]) -> None:
        self._start(words, environment, folder, files)


def run(
    words: Sequence[str], environment: Mapping[str, str], *, folder: Path | None = None, stdin: str = "", timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run `vmkops WORDS` to its end in a fork; after `timeout` seconds, kill it and raise TimeoutExpired."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        given.write(stdin.encode())
        given.seek(0)
        files = [given.fileno(), output.fileno(), errors.fileno()]
        command = _Command(words, environment, folder or Path.cwd(), files)
        try:
            status = command.wait(timeout)
        except subprocess.TimeoutExpired:
            command.send_signal(signal.SIGKILL)
            command.wait(timeout)
            raise
        printed, reported = (_text(file) for file in (output, errors))
    return subprocess.CompletedProcess(["vmkops", *words], status, printed, reported)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


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
        size, files, _, _ = socket.recv_fds(requests, 4, 3)
        if not size:
            return 0
        request = json.loads(requests.recv(int.from_bytes(size), socket.MSG_WAITALL))
        if "ended" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["ended"], 0)[1])
        else:
            answer = os.fork()
            if not answer:
                _run(request, files)
        for file in files:
            os.close(file)
        requests.sendall(answer.to_bytes(8, signed=True))


def _import_everything() -> None:
    """Import what `vmkops serve` imports in the course of its start."""
    for module in (
        *("bot.app", "service.bootstrap", "vmkops.commands.serve"),
        *("sqlalchemy.dialects.sqlite", "sqlite_utils"),
    ):
        import_module(module)
    from service.actions import all_actions
    from service.http._route import all_routes
    from service.workers import pool

    pool.WARM_SECONDS = 3600  # a second of CPU time for each service that lives for long, and few tests need it
    all_actions()
    all_routes()
    assert threading.active_count() == 1, "a fork has no other threads"
    gc.collect()
    gc.freeze()  # a fork that looks for garbage would copy the memory of all this


def _run(request: dict[str, Any], files: list[int]) -> NoReturn:
    from vmkops.__main__ import main as run

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # so that a killed test worker leaves no services behind
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["directory"])
    sys.argv[1:] = request["words"]
    try:
        status = run(request["words"])
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        status = end.code
    # What the interpreter does at its end, except for freeing each imported module: that takes most of a short command.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
