"""How the peers' installers run commands, and the error when a peer cannot be had."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".peers"
"""Where what is fetched or built is kept."""


class PeerUnavailableError(Exception):
    """This peer cannot be had here; the text says what is missing and how to get it."""


class MachineUnableError(PeerUnavailableError):
    """No package brings what is missing, such as a permission of the machine; the text says what is needed."""


def run(command: list[str], *, cwd: Path | None = None, what: str, **environment: str) -> str:
    """Run a command and return its output; PeerUnavailableError with its last lines when it fails.

    `environment` is added to that of this process. The command cannot ask questions: its standard input is empty.
    """
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
            check=False,
        )
    except OSError as error:
        raise PeerUnavailableError(f"{what}: {error}") from error
    if done.returncode != 0:
        last = "\n".join((done.stderr or done.stdout).splitlines()[-15:])
        raise PeerUnavailableError(f"{what} failed ({' '.join(command[:3])} ...):\n{last}")
    return done.stdout
