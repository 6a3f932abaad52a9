"""The folders with pages: lists and checks their pages, reads a page safely, and writes a page atomically."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from knowledge.procedure_store.body import page_links
from knowledge.procedure_store.dangers import unannounced_commands
from knowledge.procedure_store.front_matter import read_front_matter
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


def write_page(folder: Path, slug: str, data: bytes) -> None:
    """Write a page into ``folder`` through a temporary file, so that no reader sees a partly written page.

    Raises OSError when the folder cannot be written.
    """
    temporary = folder / f".{slug}.{os.urandom(4).hex()}.tmp"
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / f"{slug}.md")
    finally:
        temporary.unlink(missing_ok=True)


def check_folder(folder: Path, *, elsewhere: Iterable[str] = ()) -> tuple[int, list[Broken]]:
    """Return the number of pages in ``folder`` and everything wrong with them, by file and line.

    This is stricter than what a page must meet to be shown: links to pages that do not exist are wrong, and so are
    destructive commands without a box. ``elsewhere`` has the slugs of other folders that can be linked to. Raises
    OSError when the folder cannot be listed.
    """
    pages: list[Procedure] = []
    broken: list[Broken] = []
    everything = find_pages(folder)
    for found in everything:
        try:
            pages.append(read_page(found))
        except BrokenPageError as error:
            broken += error.problems
    slugs = {*elsewhere, *(found.slug for found in everything)}
    for page in pages:
        lines = page.text.split("\n")
        for line, message in unannounced_commands(lines, read_front_matter(lines).length):
            broken.append(Broken(file=page.file, line=line, message=message))
        for line, slug in page_links(lines):
            if slug not in slugs:
                broken.append(Broken(file=page.file, line=line, message=f"links to {slug}.md, which does not exist"))
    return len(everything), sorted(broken, key=lambda one: (one.file, one.line))


def _found(folder: str, entry: os.DirEntry[str]) -> Found:
    name = os.fsencode(entry.name).decode("utf-8", "backslashreplace")  # escapes bytes that are not UTF-8
    try:
        info = entry.stat()
    except OSError:
        return Found(folder, name, "")
    stamp = f"{info.st_size} {info.st_mtime_ns} {info.st_ctime_ns} {info.st_ino}"
    return Found(folder, name, stamp if stat.S_ISREG(info.st_mode) else "")
