"""Files and folders of a package, written into a folder of this machine."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Protocol

from pydantic import Field

from service.api.models import Value
from service.background import whole_in_thread
from service.errors import Conflict
from service.files.names import unescape
from service.files.tree_writer import TreeWriter, checked
from service.files.values import Entry


class Extracted(Value):
    """What was written, and the paths of links, devices and other things that were not."""

    files: int = 0
    folders: int = 0
    bytes: int = 0
    left_out: list[str] = Field(default_factory=list)


MOST_LEFT_OUT = 1000
"""Paths in `Extracted.left_out`."""


class Contents(Protocol):
    """What files come from, such as `PackageFiles`."""

    def contents(self, path: str) -> AsyncGenerator[Entry | bytes, None]:
        """A file or a folder with all that is in it; see `PackageReader.contents`."""


async def extract(package: Contents, paths: Sequence[str], dest: Path, name: str = "") -> Extracted:
    """Write each of `paths`, a file or a folder with all that is in it, into the existing folder `dest`.

    Each gets its own name there, or the plain `name`; nothing is overwritten, nothing is written outside of `dest`, and
    links and devices are left out. Raises Conflict when a name is taken, OSError when `dest` cannot be written, and
    what `PackageFiles.contents` raises; what was written until then stays.
    """
    files = folders = size = 0
    left_out: list[str] = []
    for path in paths:
        writer: TreeWriter | None = None
        try:
            async with contextlib.aclosing(package.contents(path)) as contents:
                async for each in contents:
                    if isinstance(each, bytes):
                        assert writer is not None
                        await whole_in_thread(writer.write, each)
                        continue
                    parts = [unescape(part) for part in each.path.split("/")]
                    if writer is None:
                        writer = TreeWriter(dest / (name or checked(parts[0])))
                        writer.__enter__()
                    if not begin(writer, each, parts[1:]) and len(left_out) < MOST_LEFT_OUT:
                        left_out.append(each.path)
        finally:
            if writer is not None:
                writer.__exit__(None, None, None)
                files, folders, size = files + writer.files, folders + writer.folders, size + writer.bytes
    return Extracted(files=files, folders=folders, bytes=size, left_out=left_out)


def begin(writer: TreeWriter, entry: Entry, parts: Sequence[bytes]) -> bool:
    """Begin a file or make a folder; False for anything else, which is left out."""
    try:
        if entry.kind == "folder":
            writer.folder(parts, entry.mode, entry.mtime)
        elif entry.kind == "file":
            writer.file(parts, entry.mode, entry.mtime)
        else:
            return False
    except FileExistsError:
        raise Conflict(f"Two files of the backup have the same name here: {entry.path}.") from None
    return True
