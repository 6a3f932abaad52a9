"""What commands that write the data directory do first."""

from __future__ import annotations

import getpass
import os

PRIVATE = 0o077
"""The umask of these commands: nobody but the user who runs them can open what they write."""


def write_privately() -> None:
    """Let nobody but this user open the files that this process makes, and those of the programs that it starts."""
    os.umask(PRIVATE)


def local_user() -> str:
    """Who runs the command, as records name people of this machine: `local:anna`."""
    try:
        return f"local:{getpass.getuser()}"
    except (KeyError, OSError):  # a container whose user has no name
        return "local:unknown"
