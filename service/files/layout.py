"""The volumes of a package: its disks, their partitions (MBR, GPT, none), and the logical volumes of LVM2."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from service.errors import DiskUnreadable
from service.files.disk_files import Slice, open_disk
from service.files.lvm import logical_volumes, physical_volume
from service.files.signatures import CLOSED, look
from service.files.trees import READABLE
from service.files.values import Volume

MOST_PARTITIONS = 256
MOST_LOGICAL = 1024
LVM_PV = "lvm2"
NOTHING = "It has no file system and no partitions that are known."
FIRST_LOGICAL = 5
"""The number of the first logical partition of an MBR, as Linux counts."""


class Opened(NamedTuple):
    """A volume, and its bytes; None for one that cannot be read."""

    volume: Volume
    source: Slice | None


class Part(NamedTuple):
    """A partition: its number as Linux counts, and where it is, in bytes."""

    number: int
    start: int
    size: int


def open_volumes(folder: Path, files: Sequence[str], members: Mapping[str, str]) -> list[Opened]:
    """Every volume of the disks with these file names in `folder`; what cannot be read has a `note`, and never raises.

    `members` has the name of the disk in each file that is a tar archive. Overlapping partitions are read all the same,
    each within its bounds.
    """
    found: list[Opened] = []
    for number, file in enumerate(files):
        found += _of_disk(folder, file, members.get(file, ""), f"disk{number}")
    return found + _logical(found)


def _of_disk(folder: Path, file: str, member: str, name: str) -> list[Opened]:
    try:
        disk = open_disk(folder, file, member)
    except DiskUnreadable as error:
        return [Opened(Volume(name=name, file=file, note=str(error)), None)]
    whole = Slice(disk, 0, disk.size)
    own = _described(Volume(name=name, file=file, size=disk.size), whole)
    if own.type or own.note:
        return [Opened(own, whole)]
    try:
        parts, note = _partitions(whole)
    except OSError:
        return [Opened(replace(own, note=NOTHING), whole)]
    found = [Opened(replace(own, type="partitions", note=note), None)]
    for part in parts:
        source = Slice(whole, part.start, part.size)
        volume = Volume(name=f"{name}/p{part.number}", file=file, offset=part.start, size=part.size)
        found.append(Opened(_described(volume, source), source))
    return found


def _described(volume: Volume, source: Slice) -> Volume:
    try:
        seen = look(source)
    except OSError:
        return replace(volume, note="It cannot be read: the disk is damaged there.")
    return replace(
        volume,
        type=seen.type,
        label=seen.label,
        uuid=seen.uuid,
        readable=seen.type in READABLE,
        note=CLOSED.get(seen.type, ""),
    )


def _partitions(disk: Slice) -> tuple[list[Part], str]:
    """The partitions, and what is wrong with the table as a sentence. Raises OSError when there is no table."""
    import pytsk3

    class Image(pytsk3.Img_Info):  # type: ignore[misc]  # no types
        def __init__(self) -> None:
            super().__init__(url="", type=pytsk3.TSK_IMG_TYPE_EXTERNAL)

        def read(self, offset: int, size: int) -> bytes:
            return disk.read_at(offset, size)

        def get_size(self) -> int:
            return disk.size

        def close(self) -> None:
            pass

    table = pytsk3.Volume_Info(Image())
    sector = int(table.info.block_size)
    found: list[Part] = []
    wrong: list[str] = []
    mbr, logical = int(table.info.vstype) == int(pytsk3.TSK_VS_TYPE_DOS), FIRST_LOGICAL
    for each in table:
        if int(each.flags) != int(pytsk3.TSK_VS_PART_FLAG_ALLOC):
            continue
        number = int(each.slot_num) + 1
        if mbr and int(each.table_num) > 0:
            number, logical = logical, logical + 1
        start, size = int(each.start) * sector, int(each.len) * sector
        if start >= disk.size:
            wrong.append(f"Partition {number} begins beyond the end of the disk, so it is left out.")
            continue
        if start + size > disk.size:
            wrong.append(f"Partition {number} ends beyond the end of the disk, so it is cut there.")
        if any(start < part.start + part.size and part.start < start + size for part in found):
            wrong.append(f"Partition {number} overlaps another one.")
        found.append(Part(number, start, min(size, disk.size - start)))
        if len(found) == MOST_PARTITIONS:
            wrong.append(f"Only the first {MOST_PARTITIONS} partitions are shown.")
            break
    return found, " ".join(wrong[:5])


def _logical(found: Sequence[Opened]) -> list[Opened]:
    """The logical volumes on all physical volumes together."""
    physical, logical = [], []
    for each in found:
        if each.volume.type == LVM_PV and each.source is not None:
            with contextlib.suppress(OSError):
                physical.append(physical_volume(each.source))
    for own in itertools.islice(logical_volumes(physical), MOST_LOGICAL):
        volume = Volume(name=own.name, type="" if own.source else LVM_PV, note=own.note)
        if own.source is not None:
            volume = _described(replace(volume, size=own.source.size), own.source)
        logical.append(Opened(volume, own.source))
    return logical
