"""Removes backups from disk; each is renamed first, so that a partly removed one never looks complete."""

from __future__ import annotations

import contextlib
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from service.backups.catalogue import read_folder
from service.backups.lock import locked
from service.backups.owner import Owners
from service.backups.retention import Policy, keep
from service.errors import Conflict, NotFound
from service.packages.folder import safe_name

DELETED = ".deleted"


def remove_package(folder: Path) -> int:
    """Remove the package and return its bytes; raises Conflict while somebody reads it, NotFound when it is gone."""
    with locked(folder, exclusive=True):
        size = sum(item.lstat().st_size for item in folder.iterdir())
        renamed = folder.with_name(folder.name + DELETED)
        folder.rename(renamed)
        _sync(folder.parent)
        shutil.rmtree(renamed)
    return size


def prune_vm(backups_dir: Path, name: str, vcenter: str, moref: str, policy: Policy) -> list[str]:
    """Remove the backups of one VM that a policy does not keep; returns their ids. Reads from disk.

    Only the folder of the VM's present name is read: a schedule prunes thousands of VMs. A backup that somebody reads
    stays until the next time.
    """
    every = read_folder(backups_dir / safe_name(name))
    own = next((kept.vm for kept in every if (kept.vm.vcenter, kept.vm.moref) == (vcenter, moref)), None)
    owners = Owners(every)
    removed = []
    for decision in keep(every, policy, datetime.now(UTC)):
        kept = decision.backup
        if decision.stays or own is None or owners.of(kept) != owners.of_vm(own):
            continue
        with contextlib.suppress(Conflict, NotFound):
            remove_package(Path(kept.path))
            removed.append(kept.id)
    return removed


def finish_removals(backups_dir: Path) -> int:
    """Finish removals that were interrupted; returns how many."""
    left = [item for item in backups_dir.glob(f"*/*{DELETED}") if item.is_dir() and not item.is_symlink()]
    for item in left:
        shutil.rmtree(item)
    return len(left)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
