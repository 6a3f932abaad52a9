"""Disks with real file systems, made from a folder by the tools of each, without root."""

from __future__ import annotations

import hashlib
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.peers.fetch import obtain

MB = 1 << 20
SECTOR = 512


def ext(kind: str, size: int = 24 * MB) -> Callable[[Path, Path], Path]:
    """A maker of ext2, ext3 or ext4 of so many bytes, with the whole tree."""

    def make(image: Path, tree: Path) -> Path:
        _sparse(image, size)
        _run("mke2fs", "-q", "-t", kind, "-L", f"on-{kind}", "-d", str(tree), str(image))
        return image

    return make


def xfs(image: Path, tree: Path) -> Path:
    """XFS with the files and folders of the tree."""
    prototype = image.with_suffix(".proto")
    prototype.write_text(f"/none\n0 0\n{_prototype(tree)}")
    _sparse(image, 300 * MB)
    _run("mkfs.xfs", "-q", "-L", "on-xfs", "-p", str(prototype), str(image))
    return image


def _prototype(folder: Path) -> str:
    """The lines of a folder as `mkfs.xfs -p` reads them (the format of mkfs.xfs(8))."""
    lines = ["d--755 0 0\n"]
    for item in sorted(folder.iterdir()):
        if item.is_symlink():
            lines.append(f"{item.name} l--777 0 0 {item.readlink()}\n")
        elif item.is_dir():
            lines.append(f"{item.name} {_prototype(item)}")
        else:
            lines.append(f"{item.name} ---{item.stat().st_mode & 0o777:o} 0 0 {item}\n")
    return "".join([*lines, "$\n"])


def fat(image: Path, tree: Path) -> Path:
    """FAT16 with the files and folders of the tree."""
    _sparse(image, 24 * MB)
    _run("mkfs.vfat", "-F", "16", "-n", "ON-FAT", str(image))
    for item in sorted(tree.iterdir()):
        if not item.is_symlink():
            _run("mcopy", "-s", "-i", str(image), str(item), "::/")
    return image


def ntfs(image: Path, tree: Path) -> Path:
    """NTFS with the files at the top of the tree: `ntfscp` makes no folders."""
    _sparse(image, 24 * MB)
    _run("mkntfs", "-q", "-F", "-L", "on-ntfs", str(image))
    for item in sorted(tree.iterdir()):
        if item.is_file() and not item.is_symlink():
            _run("ntfscp", "-q", str(image), str(item), item.name)
    return image


def btrfs(image: Path, tree: Path) -> Path:
    """Btrfs with the tree."""
    _sparse(image, 128 * MB)
    _run("mkfs.btrfs", "-q", "-L", "on-btrfs", "--rootdir", str(tree), str(image))
    return image


def luks(image: Path) -> Path:
    """An encrypted volume of LUKS2."""
    _sparse(image, 32 * MB)
    quick = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--batch-mode")
    _run("cryptsetup", "luksFormat", "--type", "luks2", *quick, str(image), "-", given="secret")
    return image


def swap(image: Path) -> Path:
    """Swap space."""
    _sparse(image, 8 * MB)
    _run("mkswap", "--quiet", str(image))
    return image


def partitioned(image: Path, parts: list[Path], table: str) -> Path:
    """A disk with the images as partitions. `table`: `gpt`, or `dos`, where those from the third on are logical."""
    sizes = [part.stat().st_size // SECTOR for part in parts]
    gap, start, places, lines = 2048, 2048, [], [f"label: {table}"]
    for number, size in enumerate(sizes, start=1):
        if table == "dos" and number == 3:
            lines.append(f"start={start}, type=5")
        if table == "dos" and number >= 3:
            start += gap
        places.append(start)
        lines.append(f"start={start}, size={size}" + (", type=83" if table == "dos" else ""))
        start += size + gap
    _sparse(image, (start + gap) * SECTOR)
    _run("sfdisk", "-q", str(image), given="\n".join(lines))
    with image.open("r+b") as disk:
        for place, part in zip(places, parts, strict=True):
            disk.seek(place * SECTOR)
            disk.write(part.read_bytes())
    return image


def logical_volume(image: Path, inner: Path, *, group: str = "vg0", name: str = "root") -> Path:
    """A physical volume of LVM2 with one logical volume that has the content of `inner`."""
    return spanned_volume([image], inner, group=group, name=name)[0]


def spanned_volume(images: list[Path], inner: Path, *, group: str = "vg0", name: str = "root") -> list[Path]:
    """Physical volumes of LVM2, one for each image, with one logical volume on all of them, in equal parts.

    The tools of LVM2 need root, so the label and the metadata are written here, in the form that `pvck --dump` shows
    (lib/format_text/layout.h of LVM2).
    """
    extent, start = 4 * MB, MB
    extents = -(-inner.stat().st_size // (extent * len(images)))
    size, area, area_size = start + extents * extent, 4096, MB - 4096
    own = hashlib.sha256(group.encode()).hexdigest()[:30]
    ids = [f"P{number}{own}" for number in range(len(images))]
    physical = "".join(
        _block(
            f"pv{number}",
            f"""id = "{_dashed(each)}"
device = "/dev/sd{"abcdef"[number]}"
status = ["ALLOCATABLE"]
flags = []
dev_size = {size // SECTOR}
pe_start = {start // SECTOR}
pe_count = {extents}
""",
        )
        for number, each in enumerate(ids)
    )
    segments = "".join(
        _block(
            f"segment{number + 1}",
            f"""start_extent = {number * extents}
extent_count = {extents}
type = "striped"
stripe_count = 1
stripes = [
"pv{number}", 0
]
""",
        )
        for number in range(len(images))
    )
    volume = f"""id = "{_dashed("L" * 32)}"
status = ["READ", "WRITE", "VISIBLE"]
flags = []
segment_count = {len(images)}
{segments}"""
    of_group = f"""id = "{_dashed(f"VG{own}")}"
seqno = 1
format = "lvm2"
status = ["RESIZEABLE", "READ", "WRITE"]
flags = []
extent_size = {extent // SECTOR}
max_lv = 0
max_pv = 0
metadata_copies = 0
{_block("physical_volumes", physical)}{_block("logical_volumes", _block(name, volume))}"""
    told = """contents = "Text Format Volume Group"
version = 1
description = ""
creation_host = "test"
creation_time = 1700000000
"""
    text = f"{_block(group, of_group)}{told}".encode() + b"\0"
    content = inner.read_bytes()
    for number, (image, pv) in enumerate(zip(images, ids, strict=True)):
        _physical_volume(image, pv, text, size, start, area, area_size)
        with image.open("r+b") as disk:
            disk.seek(start)
            disk.write(content[number * extents * extent : (number + 1) * extents * extent])
    return images


def _physical_volume(image: Path, pv: str, text: bytes, size: int, start: int, area: int, area_size: int) -> None:
    locations = struct.pack("<QQII", 512, len(text), _crc(text), 0) + bytes(24)
    body = struct.pack("<16sIQQ", b" LVM2 x[5A%r0N*>", 1, area, area_size) + locations
    body = body.ljust(508, b"\0")
    header = struct.pack("<32sQ", pv.encode(), size)
    header += (
        struct.pack("<QQQQ", start, 0, 0, 0) + struct.pack("<QQQQ", area, area_size, 0, 0) + struct.pack("<II", 0, 0)
    )
    label_tail = (struct.pack("<I8s", 32, b"LVM2 001") + header).ljust(SECTOR - 20, b"\0")
    label = struct.pack("<8sQI", b"LABELONE", 1, _crc(label_tail)) + label_tail
    _sparse(image, size)
    with image.open("r+b") as disk:
        for offset, data in ((SECTOR, label), (area, struct.pack("<I", _crc(body)) + body), (area + 512, text)):
            disk.seek(offset)
            disk.write(data)


def _block(name: str, inside: str) -> str:
    return f"{name} {{\n{inside}}}\n"


def _dashed(name: str) -> str:
    return "-".join([name[:6], *(name[at : at + 4] for at in range(6, 26, 4)), name[26:]])


def _crc(data: bytes) -> int:
    """The checksum of LVM2: CRC-32 that begins with 0xf597a6cf and is not inverted at its end."""
    return zlib.crc32(data, 0xF597A6CF ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def vmdk(raw: Path, subformat: str) -> Path:
    """The disk as a VMDK of this form, beside it."""
    made = raw.with_name(f"{raw.stem}-{subformat}.vmdk")
    _run("qemu-img", "convert", "-O", "vmdk", "-o", f"subformat={subformat}", str(raw), str(made))
    return made


def _sparse(image: Path, size: int) -> None:
    with image.open("wb") as file:
        file.truncate(size)


def _run(program: str, *words: str, given: str = "") -> None:
    done = subprocess.run([str(obtain(program)), *words], input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{program} failed: {done.stderr.strip() or done.stdout.strip()}")
