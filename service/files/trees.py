"""File systems as trees of nodes: The Sleuth Kit (pytsk3) for ext, NTFS, FAT, exFAT and ISO 9660; libfsxfs for XFS."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from service.errors import DiskUnreadable
from service.files.disk_files import Slice
from service.files.values import Kind

PIECE = 1 << 20
"""Bytes of a file that are read at a time."""
LONGEST_LINK = 4096
PERMISSIONS = 0o7777
TSK_TYPES = ("ext2", "ext3", "ext4", "ntfs", "fat", "exfat", "iso9660")
READABLE = (*TSK_TYPES, "xfs")
ANY_CASE = ("ntfs", "fat", "exfat")
"""File systems that find a name in any case."""
PLAIN = ("ext2", "ext3", "ext4", "fat")
"""Types that The Sleuth Kit reads whose runs say all: in NTFS and exFAT, the end of a file may not be written yet."""
MOST_RUNS = 50_000
"""Runs of a file that are named; a file in more pieces is read by the library."""
_FAT_LABEL = b" (Volume Label Entry)"
_NTFS_OWN = 24
"""Inodes below this one are NTFS's own files, such as `$MFT`."""


class Node(NamedTuple):
    """One name in a folder, and what it stands for."""

    name: bytes
    inode: int
    kind: Kind
    size: int = 0
    mode: int = 0
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    own: Any = None
    """What the library has for it."""


class Run(NamedTuple):
    """Bytes of a file in one piece: where they begin on the volume, None for a hole, and how many there are."""

    start: int | None
    size: int


class Tree(Protocol):
    """A file system. Its methods raise OSError for what is damaged."""

    def root(self) -> Node:
        """The folder of everything."""

    def nodes(self, folder: Node) -> Iterator[Node]:
        """What is in a folder, without `.` and `..`, and without deleted files."""

    def find(self, folder: Node, name: bytes) -> Node | None:
        """The node with a name, in any case where the file system has none."""

    def target(self, link: Node) -> bytes:
        """Where a link leads."""

    def pieces(self, file: Node, offset: int, size: int) -> Iterator[bytes]:
        """The bytes of a file from `offset`, up to `size`."""

    def runs(self, file: Node) -> list[Run] | None:
        """Where the bytes of a file are, in order; None when only `pieces` can give them."""


class TskTree:
    """A file system that The Sleuth Kit reads."""

    def __init__(self, source: Slice, kind: str) -> None:
        import pytsk3

        class Image(pytsk3.Img_Info):  # type: ignore[misc]  # no types
            def __init__(self) -> None:
                super().__init__(url="", type=pytsk3.TSK_IMG_TYPE_EXTERNAL)

            def read(self, offset: int, size: int) -> bytes:
                return source.read_at(offset, size)

            def get_size(self) -> int:
                return source.size

            def close(self) -> None:
                pass

        kinds = dict.fromkeys(("ext2", "ext3", "ext4"), pytsk3.TSK_FS_TYPE_EXT_DETECT) | {
            "ntfs": pytsk3.TSK_FS_TYPE_NTFS_DETECT,
            "fat": pytsk3.TSK_FS_TYPE_FAT_DETECT,
            "exfat": pytsk3.TSK_FS_TYPE_FAT_DETECT,
            "iso9660": pytsk3.TSK_FS_TYPE_ISO9660_DETECT,
        }
        self._kind = kind
        self._tsk = pytsk3
        self._image = Image()
        self._fs = pytsk3.FS_Info(self._image, offset=0, type=kinds[kind])
        self._kinds: dict[int, Kind] = {
            int(pytsk3.TSK_FS_META_TYPE_REG): "file",
            int(pytsk3.TSK_FS_META_TYPE_DIR): "folder",
            int(pytsk3.TSK_FS_META_TYPE_LNK): "link",
            int(pytsk3.TSK_FS_META_TYPE_BLK): "device",
            int(pytsk3.TSK_FS_META_TYPE_CHR): "device",
        }
        self._virtual = {int(pytsk3.TSK_FS_META_TYPE_VIRT), int(pytsk3.TSK_FS_META_TYPE_VIRT_DIR)}
        self._allocated = int(pytsk3.TSK_FS_NAME_FLAG_ALLOC)

    def root(self) -> Node:
        """See `Tree`."""
        return Node(b"", int(self._fs.info.root_inum), "folder")

    def nodes(self, folder: Node) -> Iterator[Node]:
        """See `Tree`."""
        for each in self._fs.open_dir(inode=folder.inode):
            info = each.info
            node = self._node(info.name, info.meta)
            if node is not None:
                yield node

    def _node(self, entry: Any, meta: Any) -> Node | None:
        name = entry.name or b""
        if name in (b"", b".", b"..") or not entry.flags & self._allocated:
            return None
        if meta is None:
            return Node(name, entry.meta_addr, "other")
        kind, inode = meta.type, meta.addr
        if kind in self._virtual or (self._kind == "ntfs" and inode < _NTFS_OWN and name.startswith(b"$")):
            return None
        if self._kind in ("fat", "exfat") and name.endswith(_FAT_LABEL):
            return None
        return Node(
            name,
            inode,
            self._kinds.get(kind, "other"),
            max(0, meta.size),
            meta.mode & PERMISSIONS,
            meta.uid,
            meta.gid,
            meta.mtime,
        )

    def find(self, folder: Node, name: bytes) -> Node | None:
        """See `Tree`."""
        return named(self.nodes(folder), name, any_case=self._kind in ANY_CASE)

    def target(self, link: Node) -> bytes:
        """See `Tree`."""
        meta = self._fs.open_meta(inode=link.inode).info.meta
        return bytes(meta.link or b"")[:LONGEST_LINK]

    def pieces(self, file: Node, offset: int, size: int) -> Iterator[bytes]:
        """See `Tree`."""
        return in_pieces(self._fs.open_meta(inode=file.inode).read_random, file, offset, size)

    def runs(self, file: Node) -> list[Run] | None:
        """See `Tree`."""
        if self._kind not in PLAIN:
            return None
        found: list[Run] = []
        at, block = 0, self._fs.info.block_size
        for each in self._fs.open_meta(inode=file.inode):
            own = each.info
            if own.type != self._tsk.TSK_FS_ATTR_TYPE_DEFAULT:
                continue
            if found or own.size != file.size or not own.flags & self._tsk.TSK_FS_ATTR_NONRES:
                return None
            for run in each:
                if not run.len:
                    continue
                hole = run.flags == self._tsk.TSK_FS_ATTR_RUN_FLAG_SPARSE
                known = hole or run.flags == self._tsk.TSK_FS_ATTR_RUN_FLAG_NONE
                if not known or run.offset * block != at or len(found) == MOST_RUNS:
                    return None
                found.append(Run(None if hole else run.addr * block, run.len * block))
                at += run.len * block
        return found


class XfsTree:
    """XFS, which libfsxfs reads."""

    def __init__(self, source: Slice) -> None:
        import pyfsxfs

        self._volume = pyfsxfs.volume()
        self._volume.open_file_object(source)

    def root(self) -> Node:
        """See `Tree`."""
        own = self._volume.get_root_directory()
        return Node(b"", int(own.inode_number), "folder", own=own)

    def nodes(self, folder: Node) -> Iterator[Node]:
        """See `Tree`. A name that libfsxfs cannot read, such as invalid UTF-8, becomes `?inode-NUMBER`."""
        for number in range(folder.own.number_of_sub_file_entries):
            yield self._node(folder.own.get_sub_file_entry(number))

    def _node(self, own: Any) -> Node:
        name, inode = None, int(own.inode_number)
        with contextlib.suppress(OSError):
            name = own.name
        mode = int(own.file_mode or 0)
        kinds: dict[int, Kind] = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
        kinds |= {stat.S_IFBLK: "device", stat.S_IFCHR: "device"}
        return Node(
            name.encode("utf-8", "surrogatepass") if name else b"?inode-%d" % inode,
            inode,
            kinds.get(stat.S_IFMT(mode), "other"),
            max(0, int(own.size or 0)),
            mode & PERMISSIONS,
            int(own.owner_identifier or 0),
            int(own.group_identifier or 0),
            int(own.get_modification_time_as_integer() or 0) // 10**9,
            own,
        )

    def find(self, folder: Node, name: bytes) -> Node | None:
        """See `Tree`."""
        return named(self.nodes(folder), name, any_case=False)

    def target(self, link: Node) -> bytes:
        """See `Tree`."""
        return (link.own.symbolic_link_target or "").encode("utf-8", "surrogatepass")[:LONGEST_LINK]

    def pieces(self, file: Node, offset: int, size: int) -> Iterator[bytes]:
        """See `Tree`."""
        return in_pieces(lambda at, wanted: bytes(file.own.read_buffer_at_offset(wanted, at)), file, offset, size)

    def runs(self, file: Node) -> list[Run] | None:  # noqa: ARG002
        """See `Tree`. The extents that libfsxfs gives are those of the file system: only it knows where they are."""
        return None


def open_tree(source: Slice, kind: str, name: str) -> Tree:
    """The file system of the type `kind` on the volume `name`. Raises DiskUnreadable."""
    try:
        return XfsTree(source) if kind == "xfs" else TskTree(source, kind)
    except OSError as error:
        raise DiskUnreadable(f"The file system {kind} of {name} cannot be read. It is damaged.") from error


def in_pieces(read: Callable[[int, int], bytes], file: Node, offset: int, size: int) -> Iterator[bytes]:
    """The bytes of a file from `offset`, up to `size`; `read` gives bytes from an offset, up to so many."""
    end = min(file.size, offset + size)
    while offset < end:
        data = read(offset, min(PIECE, end - offset))
        if not data:
            raise OSError("the file ends before its size")
        offset += len(data)
        yield data


def named(nodes: Iterator[Node], name: bytes, *, any_case: bool) -> Node | None:
    """The node with a name; without one and in `any_case`, the first whose name differs in case only."""
    folded, near = name.decode("utf-8", "surrogateescape").casefold(), None
    for node in nodes:
        if node.name == name:
            return node
        if any_case and near is None and node.name.decode("utf-8", "surrogateescape").casefold() == folded:
            near = node
    return near
