"""What a copy target needs on this machine: a look at its directory, and the small files that are gathered from it."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path

from service.api.models import Check
from service.transfer.safe_open import safe_open


def directory_checks(name: str, path: Path, beside: Path) -> list[Check]:
    """Whether the directory of a target is there, and whether it is on the disk of `beside`."""
    if not path.is_dir():
        message = f"There is no directory {path} of the copy target {name}. Create it, or mount it."
        return [Check(rule="copy-target", severity="refuse", message=message)]
    if path.stat().st_dev != beside.stat().st_dev:
        return []
    message = (
        f"{path} is on the same file system as the backups, so both can be lost together. Check whether it is mounted."
    )
    return [Check(rule="same-disk", severity="warn", message=message)]


def prepare(made: Path, paths: Collection[str]) -> tuple[Path, Path]:
    """The file with these paths, one a line, and the empty folder to gather them into, both in the folder `made`."""
    names, into = made / "names", made / "into"
    into.mkdir()
    names.write_text("".join(f"{path}\n" for path in paths), "utf-8")
    return names, into


def contents(folder: Path, paths: Collection[str]) -> dict[str, bytes]:
    """The content of each of these files below a folder; one that cannot be read is missing."""
    found = {}
    for path in paths:
        with contextlib.suppress(OSError), safe_open(folder, path) as file:
            found[path] = file.read()
    return found
