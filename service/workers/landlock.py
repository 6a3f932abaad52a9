"""Landlock of Linux (5.13 and later): a process gives up, for good, all files but those that it names.

Facts: Documentation/userspace-api/landlock.rst and include/uapi/linux/landlock.h of Linux.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Mapping
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""Numbers of the system calls, the same on all processors that vmkops runs on."""
VERSION = 1
"""The flag that asks for the version of the interface."""
PATH_BENEATH = 1
READ_FILE, READ_DIR = 1 << 2, 1 << 3
ALL_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""Every right on files, from the version of the interface that is the key on."""
TCP = 0b11
"""To bind and to connect, from version 4 on."""
SCOPES = 0b11
"""Abstract sockets and signals that lead to other processes, from version 6 on."""


def version() -> int:
    """The version of the interface that the kernel has; 0 when it has none, or does not let this process use it."""
    if sys.platform != "linux":
        return 0
    return max(0, int(_syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION)))


def read_only(rights: Mapping[Path, int]) -> bool:
    """Let this process open nothing any more but these files and what is below these folders, each with its rights.

    A file has READ_FILE, a folder READ_DIR or both; what cannot be opened is left out. The process makes no TCP
    connection either, and reaches no process but its own children, where the kernel can deny that. What is open stays
    open. False, with nothing changed, when the kernel cannot do it. The process must have given up new privileges
    (`PR_SET_NO_NEW_PRIVS`).
    """
    known = version()
    if not known:
        return False
    every = ALL_FILES[max(each for each in ALL_FILES if each <= known)]
    attributes = struct.pack("<QQQ", every, TCP, SCOPES)[: 24 if known >= 6 else 16 if known >= 4 else 8]
    rules = _syscall(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return False
    try:
        for path, right in rights.items():
            with contextlib.suppress(OSError):
                _allow(rules, path, right)
        return _syscall(RESTRICT_SELF, rules, 0) == 0
    finally:
        os.close(rules)


def _allow(rules: int, path: Path, right: int) -> None:
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if _syscall(ADD_RULE, rules, PATH_BENEATH, struct.pack("<Qi", right, opened), 0) < 0:
            raise OSError(ctypes.get_errno(), "Landlock takes no rule for it", str(path))
    finally:
        os.close(opened)


def _syscall(number: int, *words: object) -> int:
    with contextlib.suppress(OSError, AttributeError):
        return int(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *words))
    return -1
