"""What the reader of a package answers: plain dataclasses, so that its process need not import pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Kind = Literal["file", "folder", "link", "device", "other"]
KIND_WORDS: Mapping[Kind, str] = {
    "file": "a file",
    "folder": "a folder",
    "link": "a link",
    "device": "a device",
    "other": "a special file, such as a pipe or a socket",
}
"""Each kind with its article, for a sentence such as `PATH is a folder`."""


class Extent(NamedTuple):
    """Bytes of a file of the package, as they are; so many zeros where `file` is empty."""

    file: str
    offset: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A disk, a partition or a logical volume, and what is on it. Sizes and offsets are in bytes."""

    name: str
    """How paths name it: `disk0`, `disk0/p1` or `vg/root`."""
    file: str = ""
    """The file of the package, for a disk; empty for a logical volume."""
    offset: int = 0
    """Where a partition begins on its disk."""
    size: int = 0
    type: str = ""
    """`ext4`, `xfs`, `ntfs`, `fat`, `exfat`, `iso9660`, `btrfs`, `luks`, `lvm2`, `swap`, ...; empty when unknown, and
    `partitions` for a disk that has some."""
    label: str = ""
    uuid: str = ""
    used_as: str = ""
    """Where the guest mounts it, as its `/etc/fstab` says, or `C:` for the volume with Windows."""
    readable: bool = False
    """Whether its files can be read."""
    note: str = ""
    """Why not, or what is wrong, as a sentence."""


@dataclass(frozen=True, kw_only=True)
class Volumes:
    """The volumes of a package, disk by disk, then the logical ones."""

    volumes: list[Volume] = field(default_factory=list)


@dataclass(kw_only=True)
class Entry:
    """A file, a folder, a link or something else, as `ls -l` shows it. Not frozen: that makes it twice as slow."""

    path: str
    """The whole path, escaped."""
    name: str
    kind: Kind
    size: int = 0
    mode: int = 0
    """The permissions, without the type."""
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    """Seconds since 1970, UTC."""
    target: str = ""
    """Where a link leads, escaped."""
    volume: str = ""
