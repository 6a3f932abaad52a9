"""The names of the service's things for completion: from a small file, which a process in the background renews.

The shell waits for an answer, so this imports little and never asks the service itself. A file of half a minute or less
is the answer. An older one is the answer too, while a process in the background makes the next one. Where it is very
old, or there is none, the next one is waited for, but not for longer than `WAIT_SECONDS`; then the last names that were
known are better than none.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Mapping
from contextlib import suppress

FRESH_SECONDS = 30
OLD_SECONDS = 3600
"""Older names are shown only when newer ones do not come in time: much may have changed."""
PAUSE_SECONDS = 10
"""How long after the start of a process that renews a file no other one is started, as when the service is away."""
WAIT_SECONDS = 0.8
"""From the start of this process, for all kinds together."""
_BEGAN = time.monotonic()
_SETTINGS = ("VMKOPS_SERVICE_URL", "VMKOPS_PROFILE", "VMKOPS_TOKEN", "VMKOPS_TOKEN_FILE", "VMKOPS_CONFIG", "PWD")


def cached(kind: str, environ: Mapping[str, str] = os.environ) -> list[list[str]]:
    """The names of this kind, such as `vms`, each with what it is or an empty text; none when they are not known."""
    if not re.fullmatch(r"[a-z0-9-]{1,80}", kind):
        return []
    path = cache_file(kind, environ)
    age, names = _read(path)
    if age <= FRESH_SECONDS:
        return names
    started = _renew(kind, path)
    if age <= OLD_SECONDS:
        return names
    while started and time.monotonic() < _BEGAN + WAIT_SECONDS:
        time.sleep(0.02)
        age, newer = _read(path)
        if age <= FRESH_SECONDS:
            return newer
    return names


def cache_file(kind: str, environ: Mapping[str, str] = os.environ) -> str:
    """The file for the names that this person sees of this service; the settings are in its name as a hash only."""
    home = environ.get("XDG_CACHE_HOME", "")
    folder = home if home.startswith("/") else os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH111, PTH118
    chosen = json.dumps([environ.get(name, "") for name in _SETTINGS] + [os.getcwd()])  # noqa: PTH109
    key = hashlib.sha256(chosen.encode()).hexdigest()[:16]
    return f"{folder}/vmkops/names-{key}-{kind}.json"


def write(path: str, names: list[list[str]]) -> None:
    """Put these names into the file at once, readable by its owner alone."""
    from pathlib import Path  # only the process in the background writes

    from knowledge.atomic_file import remove_stale, replace_file

    remove_stale(Path(path).parent, OLD_SECONDS)
    replace_file(Path(path), json.dumps(names).encode(), mode=0o600)


def _read(path: str) -> tuple[float, list[list[str]]]:
    """The age of the file in seconds, and the names in it; a file that is not ours or not right is very old."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            found = os.fstat(file.fileno())
            names = json.load(file)
        if found.st_uid != os.geteuid() or not all(
            isinstance(text, str) for name, what in names for text in (name, what)
        ):
            return float("inf"), []
        return max(0.0, time.time() - found.st_mtime), names
    except (OSError, ValueError, TypeError):
        return float("inf"), []


def _renew(kind: str, path: str) -> bool:
    """Start the process that renews the file; whether one is at work, and not one that has got no answer before."""
    mark = f"{path}.asked"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
        with suppress(FileNotFoundError):
            if time.time() - os.stat(mark).st_mtime < PAUSE_SECONDS:  # noqa: PTH116
                return False
        import subprocess

        os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        os.utime(mark)
        subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-P", "-m", "vmkops", "completion", "renew", kind, path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    return True
