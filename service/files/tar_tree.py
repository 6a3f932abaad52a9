"""The files of a volume in a tar archive, which a backup of files has instead of its disk."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, cast

from service.errors import DiskUnreadable
from service.files.disk_files import RawFile, Slice
from service.files.layout import Opened
from service.files.names import DEEPEST
from service.files.trees import ANY_CASE, LONGEST_LINK, Node, Run, Tree, in_pieces, named
from service.files.values import Kind, Volume
from service.transfer.safe_open import safe_open

KINDS: dict[bytes, Kind] = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "link"}
MOST_PARTS = 2 * DEEPEST + 2
"""Of a member's path: as many as a chosen path can have, and as many folders as can be below it."""
LEAST_END, LONGEST_END = 2 * tarfile.BLOCKSIZE, 2 * tarfile.RECORDSIZE
"""Zero bytes after the last member."""
FOLDER_MODE = 0o755
"""The permissions of a folder that the archive does not have, because it is above a chosen one."""
NOT_TAKEN = "This backup has no files of it."


class TarTree:
    """The members of an archive as the tree that they come from; see `service.files.trees.Tree`."""

    def __init__(self, source: Slice, *, any_case: bool) -> None:
        """Read all headers. Raises OSError when it is no such archive, or is cut off."""
        self._source, self._any_case = source, any_case
        self._folders: list[dict[bytes, Node]] = [{}]
        source.seek(0)
        try:
            with tarfile.open(fileobj=cast("IO[bytes]", source), mode="r:", errors="surrogateescape") as archive:
                while (info := archive.next()) is not None:
                    self._add(info)
                    archive.members = []  # type: ignore[attr-defined]  # or each would stay in the memory
                end = source.read_at(archive.offset, LONGEST_END + 1)
        except tarfile.TarError as error:
            raise OSError("it is no tar archive, or is damaged") from error
        if not LEAST_END <= len(end) <= LONGEST_END or any(end):  # tarfile takes a damaged header for the end
            raise OSError("it does not end as an archive does")

    def _add(self, info: tarfile.TarInfo) -> None:
        if info.type not in KINDS:
            return
        parts = info.name.encode("utf-8", "surrogateescape").split(b"/")
        if len(parts) > MOST_PARTS or not {b"", b".", b".."}.isdisjoint(parts):
            raise OSError("a member has a name that no backup gives")
        if info.type == tarfile.REGTYPE and info.offset_data + info.size > self._source.size:
            raise OSError("the archive ends before its last file")
        above = 0
        for part in parts[:-1]:
            above = self._folder(above, part).inode
        kind, name = KINDS[info.type], parts[-1]
        before = self._folders[above].get(name)
        if kind == "folder":
            inode = before.inode if before is not None and before.kind == "folder" else self._new_folder()
        else:
            inode = -info.offset_data - 1
        own = info.linkname.encode("utf-8", "surrogateescape") if kind == "link" else info.offset_data
        mtime = int(info.mtime)
        self._folders[above][name] = Node(name, inode, kind, info.size, info.mode, info.uid, info.gid, mtime, own)

    def _folder(self, above: int, name: bytes) -> Node:
        found = self._folders[above].get(name)
        if found is None:
            found = self._folders[above][name] = Node(name, self._new_folder(), "folder", mode=FOLDER_MODE)
        if found.kind != "folder":
            raise OSError("a member is below one that is no folder")
        return found

    def _new_folder(self) -> int:
        self._folders.append({})
        return len(self._folders) - 1

    def root(self) -> Node:
        """See `Tree`."""
        return Node(b"", 0, "folder", mode=FOLDER_MODE)

    def nodes(self, folder: Node) -> Iterator[Node]:
        """See `Tree`."""
        yield from self._folders[folder.inode].values()

    def find(self, folder: Node, name: bytes) -> Node | None:
        """See `Tree`."""
        return named(self.nodes(folder), name, any_case=self._any_case)

    def target(self, link: Node) -> bytes:
        """See `Tree`."""
        return bytes(link.own)[:LONGEST_LINK]

    def pieces(self, file: Node, offset: int, size: int) -> Iterator[bytes]:
        """See `Tree`."""
        return in_pieces(lambda at, wanted: self._source.read_at(file.own + at, wanted), file, offset, size)

    def runs(self, file: Node) -> list[Run] | None:  # noqa: ARG002
        """See `Tree`. The archive is not one of the disks that are sent as they are."""
        return None


def open_archives(folder: Path, archives: Sequence[tuple[Volume, str]]) -> list[Opened]:
    """The volumes of a backup of files. One without an archive, or whose archive cannot be opened, has a `note`."""
    found = []
    for volume, name in archives:
        update: dict[str, Any] = {"readable": bool(name)}
        source = None
        if not name:
            update["note"] = volume.note or NOT_TAKEN
        else:
            try:
                raw = RawFile(safe_open(folder, name), name)
                source = Slice(raw, 0, raw.size)
            except OSError as error:
                update = {"readable": False, "note": f"{name} cannot be opened: {error.strerror}."}
        found.append(Opened(replace(volume, **update), source))
    return found


def open_tar(source: Slice, kind: str, name: str) -> Tree:
    """The files of the volume `name`, which had a file system of the type `kind`. Raises DiskUnreadable."""
    try:
        return TarTree(source, any_case=kind in ANY_CASE)
    except OSError as error:
        raise DiskUnreadable(f"The archive with the files of {name} is damaged: {error}. Verify the backup.") from error
