"""The folders with pages: lists their pages, reads a page safely, and writes a page atomically."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import NamedTuple

from knowledge.atomic_file import replace_file
from knowledge.procedure_store.procedure import MAX_BYTES, Broken, BrokenPageError, Procedure, parse_page, slug_fault

BUILT_IN = Path(__file__).parents[1] / "procedures"
"""The pages that come with vmkops."""


class Found(NamedTuple):
    """The file of a page; ``stamp`` changes when its contents change, and is empty for anything but a regular file."""

    folder: str
    name: str
    stamp: str

    @property
    def slug(self) -> str:
        """The slug of the page, even if it is not a valid one."""
        return self.name.removesuffix(".md")

    @property
    def file(self) -> str:
        """The path of the page."""
        return os.path.join(self.folder, self.name)  # noqa: PTH118 - a hundred thousand Path objects are too slow


def find_pages(folder: Path) -> list[Found]:
    """Return every page in ``folder``, sorted by name, without subfolders.

    Hidden files and names in capitals, such as README.md, are not pages. Raises OSError when the folder cannot be
    listed.
    """
    with os.scandir(folder) as entries:
        return sorted(
            _found(str(folder), entry)
            for entry in entries
            if entry.name.endswith(".md") and entry.name[0] != "." and not entry.name[:-3].isupper()
        )


def built_in_pages() -> list[Procedure]:
    """Return the pages that come with vmkops, without broken ones: a check of their folder reports those."""
    pages = []
    for found in find_pages(BUILT_IN):
        with contextlib.suppress(BrokenPageError):
            pages.append(read_page(found))
    return pages


def read_page(found: Found) -> Procedure:
    """Read and parse the page ``found``; raises `BrokenPageError`, also when the file cannot be read."""
    try:
        if reason := slug_fault(found.slug):
            raise OSError(reason)
        if not found.stamp:
            raise OSError("it is not a file")
        with Path(found.file).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BrokenPageError([Broken(file=found.file, line=1, message=f"cannot be read: {reason}")]) from error
    return parse_page(data, slug=found.slug, file=found.file)


def work_tree(folder: Path) -> Path | None:
    """Return the git work tree that ``folder`` is in, or None.

    A folder in the checkout of vmkops itself, such as ``./pages``, does not count: that repository does not track it.
    """
    for place in (path := folder.absolute(), *path.parents):
        if (place / ".git").exists():
            return None if place == BUILT_IN.parents[1] else place
    return None


def write_page(folder: Path, slug: str, data: bytes) -> None:
    """Write a page into ``folder`` in one step; raises OSError when the folder cannot be written."""
    replace_file(folder / f"{slug}.md", data)


def _found(folder: str, entry: os.DirEntry[str]) -> Found:
    name = os.fsencode(entry.name).decode("utf-8", "backslashreplace")  # escapes bytes that are not UTF-8
    try:
        info = entry.stat()
    except OSError:
        return Found(folder, name, "")
    stamp = f"{info.st_size} {info.st_mtime_ns} {info.st_ctime_ns} {info.st_ino}"
    return Found(folder, name, stamp if stat.S_ISREG(info.st_mode) else "")
