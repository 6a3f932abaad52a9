"""Walks and removes folders of any depth: what a guest has may be deeper than Python lets functions call themselves.

`os.walk` of Python 3.11 and `shutil.rmtree` call themselves for each folder in a folder, and end after about 1,000.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def walk(top: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Each folder with the names of the folders in it and of all else, sorted, as `os.walk` does from the top.

    The caller may remove names of folders that are not to be entered. Links are not followed, and a folder that cannot
    be read is left out.
    """
    waiting = [top]
    while waiting:
        at = waiting.pop()
        folders: list[str] = []
        files: list[str] = []
        try:
            with os.scandir(at) as entries:
                for entry in entries:
                    (folders if entry.is_dir(follow_symlinks=False) else files).append(entry.name)
        except OSError:
            continue
        folders.sort()
        files.sort()
        yield at, folders, files
        waiting += [at / name for name in reversed(folders)]


def remove_tree(folder: int, name: str) -> None:
    """Remove `name` in the folder with this descriptor: a file, a link, or a folder with all that is in it.

    Nothing outside of it is removed, whatever links it has. Doing it again changes nothing, also at the same time.
    Raises OSError.
    """
    with contextlib.suppress(FileNotFoundError):
        if not _unlinked(folder, name):
            with _opened(folder, name) as top:
                _empty(top)
            os.rmdir(name, dir_fd=folder)


def remove_folder(path: Path) -> None:
    """Remove a folder with all that is in it, as `remove_tree` does; raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            remove_tree(parent, path.name)
        finally:
            os.close(parent)


def _empty(top: int) -> None:
    """Remove all that is in a folder.

    A folder that is not empty is moved to `top` first, so that two descriptors and short paths serve any depth.
    """
    while names := os.listdir(top):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                if _removed(top, name):
                    continue
                with _opened(top, name) as folder:
                    for inner in os.listdir(folder):  # noqa: PTH208
                        with contextlib.suppress(FileNotFoundError):
                            if not _removed(folder, inner):
                                lifted = f".{secrets.token_hex(8)}"
                                os.rename(inner, lifted, src_dir_fd=folder, dst_dir_fd=top)
                os.rmdir(name, dir_fd=top)


def _removed(folder: int, name: str) -> bool:
    """Remove a file, a link or an empty folder; False for a folder with something in it."""
    if _unlinked(folder, name):
        return True
    try:
        os.rmdir(name, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError:  # it is not empty, or the next step says why it cannot be removed
        return False
    return True


def _unlinked(folder: int, name: str) -> bool:
    """Remove a file or a link, not what the link names; False for a folder."""
    try:
        os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        return False
    return True


@contextlib.contextmanager
def _opened(folder: int, name: str) -> Iterator[int]:
    handle = os.open(name, FOLDER, dir_fd=folder)
    try:
        yield handle
    finally:
        os.close(handle)
