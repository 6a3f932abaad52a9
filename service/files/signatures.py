"""What is on a volume, from its first bytes. Sources: the formats' own documents, and `libblkid` of util-linux."""

from __future__ import annotations

import uuid as uuids
from typing import Literal, NamedTuple

from service.files.disk_files import Source
from service.files.names import escape

HEAD = 0x10200
"""Bytes that are looked at: the superblock of Btrfs is the last one."""
ZFS_UBERBLOCKS = 128 << 10
"""Where they begin, and how many bytes they have."""
ZFS_MAGIC = 0x00BAB10C
ORDERS: tuple[Literal["little", "big"], ...] = ("little", "big")
EXT_MAGIC, EXT_JOURNAL, EXT_EXTENTS = b"\x53\xef", 0x4, 0x40
RESTORE = "Restore the VM (`vmkops action restore BACKUP`)"
CLOSED = {
    "luks": f"It is encrypted with LUKS, so vmkops cannot read its files. {RESTORE} and unlock it there.",
    "bitlocker": f"It is encrypted with BitLocker, so vmkops cannot read its files. {RESTORE} and unlock it there.",
    "btrfs": f"vmkops cannot read files of Btrfs. {RESTORE}, or use `btrfs restore` on a raw image of the volume.",
    "zfs": f"vmkops cannot read files of ZFS. {RESTORE}.",
    "mdraid": f"It is a part of a Linux software RAID, whose files vmkops cannot read. {RESTORE}.",
    "refs": f"vmkops cannot read files of ReFS. {RESTORE}.",
    "swap": "It is swap space, which has no files.",
}
"""What cannot be read, and why."""


class Found(NamedTuple):
    """A file system or something else: its type as in `Volume.type`, its label and its UUID."""

    type: str
    label: str = ""
    uuid: str = ""


def look(source: Source) -> Found:
    """What is on a volume; `Found("")` when it is not known. Raises OSError."""
    head = source.read_at(0, HEAD)
    if head[1080:1082] == EXT_MAGIC:
        return Found(_ext(head), _text(head[1144:1160]), _uuid(head[1128:1144]))
    if head[:4] == b"XFSB":
        return Found("xfs", _text(head[108:120]), _uuid(head[32:48]))
    if head[:6] == b"LUKS\xba\xbe":
        return Found("luks", uuid=_text(head[168:208]))
    if any(head[at : at + 8] == b"LABELONE" and head[at + 24 : at + 32] == b"LVM2 001" for at in range(0, 2048, 512)):
        return Found("lvm2")
    by_boot = {b"NTFS    ": "ntfs", b"EXFAT   ": "exfat", b"-FVE-FS-": "bitlocker", b"ReFS\0\0\0\0": "refs"}
    if known := by_boot.get(head[3:11]):
        return Found(known, uuid=head[72:80][::-1].hex().upper() if known == "ntfs" else "")
    if head[510:512] == b"\x55\xaa" and (head[54:59] in (b"FAT12", b"FAT16") or head[82:87] == b"FAT32"):
        at = 43 if head[54:57] == b"FAT" else 71
        label, serial = _text(head[at : at + 11].rstrip()), head[at - 4 : at][::-1].hex().upper()
        return Found("fat", "" if label == "NO NAME" else label, f"{serial[:4]}-{serial[4:]}")
    if head[0x10040:0x10048] == b"_BHRfS_M":
        return Found("btrfs", _text(head[0x1012B:HEAD]), _uuid(head[0x10020:0x10030]))
    if head[4086:4096] == b"SWAPSPACE2":
        return Found("swap", _text(head[1052:1068]), _uuid(head[1036:1052]))
    if head[0x8001:0x8006] == b"CD001":
        return Found("iso9660", _text(head[0x8028:0x8048].rstrip()))
    if head[4096:4100] == b"\xfc\x4e\x2b\xa9":
        return Found("mdraid")
    return Found("zfs" if _is_zfs(source.read_at(ZFS_UBERBLOCKS, ZFS_UBERBLOCKS)) else "")


def _is_zfs(ring: bytes) -> bool:
    """Whether the ring of uberblocks of the first label has at least two, in either order of bytes."""
    starts = [ring[at : at + 8] for at in range(0, len(ring), 1024)]
    return any(starts.count(ZFS_MAGIC.to_bytes(8, order)) > 1 for order in ORDERS)


def _ext(head: bytes) -> str:
    compatible, incompatible = (int.from_bytes(head[at : at + 4], "little") for at in (1116, 1120))
    if incompatible & EXT_EXTENTS:
        return "ext4"
    return "ext3" if compatible & EXT_JOURNAL else "ext2"


def _text(field: bytes) -> str:
    return escape(field.split(b"\0")[0])


def _uuid(field: bytes) -> str:
    return str(uuids.UUID(bytes=field))
