"""Runs one command and leaves nothing of it: ``python -I -S keeper.py LIFELINE SIGNAL GRACE COMMAND...``.

It imports nothing of vmkops, so that it starts in a few milliseconds. LIFELINE is the file descriptor of a pipe whose
other end only the service holds. A byte in it asks the command to end by SIGNAL and kills it GRACE seconds later. When
the pipe closes, because the service died, the command is killed at once. Once the command has ended, every process
that it left is killed, also one that began a session of its own: orphans become children of this process. Its exit
status is that of the command, or 128 and the number of the signal.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
"""From `linux/prctl.h`."""
NOT_STARTED = 127
KILL_SECONDS = 30.0
"""How long killed processes may take to go; one that waits for a dead disk cannot be killed."""


def main(words: list[str]) -> int:
    """Run the command; see the text of the module."""
    lifeline, polite, grace, command = int(words[0]), int(words[1]), float(words[2]), words[3:]
    linux = sys.platform == "linux"
    prctl = ctypes.CDLL(None).prctl if linux else None
    if prctl is not None:
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # the lifeline says when to end
    keeper = os.getpid()
    child = os.fork()
    if child == 0:
        _become(command, prctl, keeper)
    os.close(0)  # the service has to notice when the command closes its input
    kill_at = float("inf")
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == child:
            _end_all(child)
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
        if pid:
            continue
        left = kill_at - time.monotonic()
        if left <= 0:
            _end_all(child)
            return 128 + signal.SIGKILL
        ready, _, _ = select.select([woken, lifeline], [], [], min(left, 60.0))
        if woken in ready:
            os.read(woken, 4096)
        if lifeline in ready:
            if not os.read(lifeline, 1):
                _end_all(child)
                return 128 + signal.SIGKILL
            kill_at = time.monotonic() + grace
            with contextlib.suppress(OSError):
                os.killpg(child, polite)


def _become(command: list[str], prctl: object, keeper: int) -> None:
    """Be the command; never returns."""
    try:
        os.setsid()
        if callable(prctl):
            prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
            if os.getppid() != keeper:
                os._exit(NOT_STARTED)
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(each, signal.SIG_DFL)
        os.closerange(3, 256)
        os.execvp(command[0], command)  # noqa: S606 - the command of whoever runs the service
    except OSError as error:
        os.write(2, f"{command[0]} cannot be started: {error.strerror}\n".encode())
    finally:
        os._exit(NOT_STARTED)


def _end_all(child: int) -> None:
    """Kill the group of the child and all descendants of this process, and wait until they are gone."""
    deadline = time.monotonic() + KILL_SECONDS
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    while time.monotonic() < deadline:
        found = _descendants(os.getpid())
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not found:
            return
        time.sleep(0.01)


def _descendants(root: int) -> list[int]:
    """All processes below `root`; none on a system without /proc."""
    children: dict[int, list[int]] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib is not loaded
            if name.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                    parent = int(file.read().rpartition(b")")[2].split()[1])
                    children.setdefault(parent, []).append(int(name))
    found, waiting = [], [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
