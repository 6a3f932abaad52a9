"""What a parser process denies itself before it imports any parser: memory, files, core dumps, a life of its own."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

LARGEST_FILE = 1 << 20
"""Bytes that the process may write into one file; parsers write none."""
MOST_FILES = 64
"""Files that the process may have open."""
NICENESS = 5
"""Added to the niceness: on a busy machine, the process that answers the others goes first."""
FIRST_TO_GO = "500"
"""Added to the score by which Linux chooses a process to kill when the memory of the machine is full."""

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
"""From `linux/prctl.h`."""


def confine(memory: int, parent: int) -> None:
    """Limit this process to `memory` bytes and end it with its parent, whose process id is `parent`."""
    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_NOFILE, MOST_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _lower(limit, value)
    os.umask(0o077)
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the service, which then ends this
    if sys.platform == "linux":
        _confine_linux(parent)


def allow_cpu(seconds: int) -> None:
    """Let this process use up to so many more seconds of CPU time; the kernel then kills it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + seconds + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def memory_used() -> int:
    """The address space that this process has, in bytes; 0 on a system that does not show it."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    except OSError:
        return 0
    return int(pages) * resource.getpagesize()


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with contextlib.suppress(OSError, ValueError):  # macOS does not limit the address space
        resource.setrlimit(limit, (wanted, wanted))


def _confine_linux(parent: int) -> None:
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the first call
        os._exit(1)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO, encoding="ascii")
