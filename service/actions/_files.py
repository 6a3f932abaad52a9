"""What the actions that take files out of a VM's disks have in common: `backup` and `mount` with the type `file`."""

from __future__ import annotations

from pathlib import Path

from service.actions._targeted import info, refuse
from service.api.models import Check
from service.files.readers import missing_libraries

EXTRACT = "extract the files"
ROOM = (
    "{} holds the disks of the VM until the files are extracted, and then the files only: for a while, up to twice "
    "what the VM uses."
)


def files_checks(root: Path) -> list[Check]:
    """How much room files need in `root` meanwhile, and whether the libraries that read them are installed."""
    checks = [info("files-room", ROOM.format(root))]
    if missing := missing_libraries():
        checks.append(refuse("files-extra", missing))
    return checks
