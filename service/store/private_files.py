"""Keeps the data directory from other users of the machine: backups hold whole disks, and databases hold jobs."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from service.store.deep_folders import walk

log = logging.getLogger(__name__)

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""The permissions of the group and of all other users."""
DATABASES = ("jobs.sqlite", "vmkops.sqlite", "procedures.sqlite")
FOLDERS = ("backups", "downloads", "exports", "mounts", "releases", "signing")
"""The folders that vmkops writes. People put packages into `imports`, so its permissions stay as they are."""
OUR_NAMES = {*DATABASES, *FOLDERS, *(f"{each}{end}" for each in DATABASES for end in ("-wal", "-shm", "-journal"))}
OUR_NAMES |= {"vmkops.lock"}
IMPORTS = "imports"


def tighten(data_dir: Path) -> None:
    """Take the permissions of other users from what vmkops wrote to the data directory and this user owns.

    The directory itself is included if it holds nothing but data of vmkops and no `imports` that other users may write.
    Links are not followed. A file that cannot be changed is left as it is; `vmkops doctor` reports it.
    """
    changed = 0
    for path in _ours(data_dir.resolve()):
        with contextlib.suppress(OSError):
            changed += _take_from_others(path)
    if changed:
        log.warning("files and folders in %s that other users could open, and now cannot: %d", data_dir, changed)


def exposed(path: Path) -> str:
    """What other users may do with the file or folder: `read`, `change` or both; empty when nothing or not there.

    The group counts only if this user owns the file. Otherwise, the owner gives access to this user through the group,
    as Kubernetes does for secrets.
    """
    try:
        found = path.stat()
    except OSError:
        return ""
    groups = OTHERS if found.st_uid == os.geteuid() else stat.S_IRWXO
    mode = found.st_mode & groups
    return " and ".join(word for word, bits in (("read", 0o044), ("change", 0o022)) if mode & bits)


def _ours(data_dir: Path) -> Iterator[Path]:
    names = {each.name for each in data_dir.iterdir()}
    imports = data_dir / IMPORTS
    shared = imports.exists() and imports.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if names <= OUR_NAMES | {IMPORTS, "lost+found"} and not shared:
        yield data_dir
    for name in sorted(names & OUR_NAMES):
        yield data_dir / name
        if (data_dir / name).is_symlink():
            continue
        for folder, folders, files in walk(data_dir / name):
            yield from (folder / each for each in (*folders, *files))


def _take_from_others(path: Path) -> bool:
    found = path.lstat()
    kept = stat.S_IMODE(found.st_mode) & ~OTHERS
    if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid() or kept == stat.S_IMODE(found.st_mode):
        return False
    # By a descriptor, so that a link that somebody puts there meanwhile is not followed. O_PATH opens no content: the
    # end of a usual descriptor would end the locks that SQLite in this process has on an open database.
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.chmod(f"/proc/self/fd/{descriptor}", kept)  # noqa: PTH101
    finally:
        os.close(descriptor)
    return True
