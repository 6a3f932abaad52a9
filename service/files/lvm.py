"""Logical volumes of LVM2: linear and striped ones, over any number of disks.

Source of the form: lib/format_text/layout.h and format-text.c of LVM2. Metadata is a text of nested blocks, such as
`vg0 { seqno = 3 physical_volumes { pv0 { ... } } }`, in an area of each physical volume or of only some of them.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from service.files.disk_files import LARGEST_DISK, Slice
from service.files.values import Extent

SECTOR = 512
LABEL_SECTORS = 4
AREA_HEADER, AREA_MAGIC = 512, b" LVM2 x[5A%r0N*>"
LARGEST_TEXT = 16 << 20
MOST_AREAS, MOST_PIECES, DEEPEST = 4, 100_000, 16
IGNORED = 1
"""The flag of a text that is not used."""
_TOKEN = re.compile(r'\s+|#[^\n]*|("(?:\\.|[^"\\])*"|[A-Za-z0-9_.+-]+|[{}\[\]=,])')
_TEXT = re.compile(r"\\(.)")


class Physical(NamedTuple):
    """A physical volume: its identifier without dashes, its bytes, and the texts of its metadata."""

    identifier: str
    source: Slice
    texts: list[str]


class Logical(NamedTuple):
    """A logical volume: its name with the group's, its bytes or None, and why it has none as a sentence."""

    name: str
    source: Slice | None
    note: str = ""


class Piece(NamedTuple):
    """A part of a logical volume, in stripes over `places`, each the bytes of a disk from an offset."""

    start: int
    size: int
    stripe: int
    places: list[tuple[Slice, int]]


class Pieces:
    """The pieces of a logical volume as a source."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self.size = sum(piece.size for piece in pieces)

    def read_at(self, offset: int, size: int) -> bytes:
        """See `Source`."""
        parts: list[bytes] = []
        for source, at, length in self._parts(offset, size):
            data = source.read_at(at, length)
            if len(data) < length:
                raise OSError("the disk ends before the logical volume")
            parts.append(data)
        return b"".join(parts)

    def extents(self, offset: int, size: int) -> list[Extent] | None:
        """See `Source`."""
        found: list[Extent] = []
        for source, at, length in self._parts(offset, size):
            if (own := source.extents(at, length)) is None:
                return None
            found += own
        return found if sum(each.size for each in found) == size else None

    def _parts(self, offset: int, size: int) -> Iterator[tuple[Slice, int, int]]:
        """The sources of these bytes, each with where they are there, and how many."""
        end = min(self.size, offset + size)
        for piece in self._pieces:
            while piece.start <= offset < min(end, piece.start + piece.size):
                at = offset - piece.start
                number, within = divmod(at, piece.stripe)
                source, start = piece.places[number % len(piece.places)]
                length = min(end - offset, piece.size - at, piece.stripe - within)
                yield source, start + number // len(piece.places) * piece.stripe + within, length
                offset += length


def physical_volume(source: Slice) -> Physical:
    """Read the label of a physical volume and its metadata. Raises OSError."""
    head = source.read_at(0, SECTOR * LABEL_SECTORS)
    for at in range(0, len(head), SECTOR):
        label = head[at : at + SECTOR]
        if label[:8] == b"LABELONE" and label[24:32] == b"LVM2 001":
            break
    else:
        raise OSError("there is no label")
    begin = int.from_bytes(label[20:24], "little")
    _, used = _places(label[begin + 40 :])
    areas, _ = _places(label[begin + 40 + used :])
    texts = [text for start, size in areas[:MOST_AREAS] if (text := _text(source, start, size))]
    return Physical(label[begin : begin + 32].decode("ascii", "replace"), source, texts)


def _places(data: bytes) -> tuple[list[tuple[int, int]], int]:
    """The offsets and sizes of areas up to the empty one, and the bytes that they take."""
    found: list[tuple[int, int]] = []
    for offset, size in struct.iter_unpack("<QQ", data[: len(data) // 16 * 16]):
        if not offset:
            break
        found.append((offset, size))
    return found, 16 * (len(found) + 1)


def _text(source: Slice, start: int, size: int) -> str:
    """The metadata in an area, which is a ring behind its header; empty when there is none, or when it is damaged."""
    header = source.read_at(start, AREA_HEADER)
    if header[4:20] != AREA_MAGIC or len(header) < AREA_HEADER:
        return ""
    offset, length, crc, flags = struct.unpack_from("<QQII", header, 40)
    if flags & IGNORED or not AREA_HEADER <= offset < size or not 0 < length <= min(size - AREA_HEADER, LARGEST_TEXT):
        return ""
    data = source.read_at(start + offset, min(length, size - offset))
    data += source.read_at(start + AREA_HEADER, length - len(data))
    return data.rstrip(b"\0").decode("utf-8", "replace") if checksum(data) == crc else ""


def checksum(data: bytes) -> int:
    """The checksum of LVM2: CRC-32 that begins with 0xf597a6cf and is not inverted at its end."""
    return zlib.crc32(data, 0xF597A6CF ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def logical_volumes(physical: Sequence[Physical]) -> Iterator[Logical]:
    """The visible logical volumes of all groups, each from the newest metadata. Damage is a note, never an error."""
    groups: dict[str, tuple[int, str, dict[str, Any]]] = {}
    by_id = {each.identifier: each.source for each in physical}
    for text in dict.fromkeys(text for each in physical for text in each.texts):
        try:
            name, group = next((key, value) for key, value in parse(text).items() if isinstance(value, dict))
            seen = groups.get(group["id"])
            if seen is None or seen[0] < group["seqno"]:
                groups[group["id"]] = (group["seqno"], name, group)
        except (KeyError, TypeError, ValueError, StopIteration):
            yield Logical("lvm2", None, "The metadata of LVM2 cannot be read: it is damaged.")
    for _, name, group in groups.values():
        for own, volume in _blocks(group, "logical_volumes").items():
            if isinstance(volume, dict) and "VISIBLE" in volume.get("status", ()):
                yield _logical(f"{_safe(name)}/{_safe(own)}", group, volume, by_id)


def _blocks(group: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = group.get(name)
    return found if isinstance(found, dict) else {}


def _logical(name: str, group: Mapping[str, Any], volume: Mapping[str, Any], by_id: Mapping[str, Slice]) -> Logical:
    try:
        segments = sorted(
            (each for each in volume.values() if isinstance(each, dict)), key=lambda each: int(each["start_extent"])
        )
        if other := next((str(each["type"]) for each in segments if each["type"] != "striped"), ""):
            note = f"It is a volume of LVM2 of the type {_safe(other)[:40]}, whose files vmkops cannot read."
            return Logical(name, None, note)
        extent, start, pieces = int(group["extent_size"]) * SECTOR, 0, []
        if len(segments) > MOST_PIECES:
            raise ValueError("it has too many segments")
        for segment in segments:
            size = int(segment["extent_count"]) * extent
            places = list(_stripes(segment["stripes"], group, by_id, extent))
            stripe = int(segment["stripe_size"]) * SECTOR if len(places) > 1 else size
            if int(segment["start_extent"]) * extent != start or size <= 0 or stripe <= 0 or not places:
                raise ValueError("it has gaps")
            pieces.append(Piece(start, size, stripe, places))
            start += size
        if not 0 < start <= LARGEST_DISK:
            raise ValueError("no disk is so large")
    except LookupError as error:
        return Logical(name, None, str(error.args[0]) if isinstance(error, _Missing) else DAMAGED)
    except (TypeError, ValueError):
        return Logical(name, None, DAMAGED)
    return Logical(name, Slice(Pieces(pieces), 0, start))


DAMAGED = "Its metadata of LVM2 cannot be read: it is damaged."


class _Missing(LookupError):
    """A disk of the group is not there; the message is a sentence."""


def _stripes(
    stripes: Sequence[Any], group: Mapping[str, Any], by_id: Mapping[str, Slice], extent: int
) -> Iterator[tuple[Slice, int]]:
    physical = _blocks(group, "physical_volumes")
    for name, first in zip(stripes[::2], stripes[1::2], strict=True):
        own = physical[name]
        source = by_id.get(str(own["id"]).replace("-", ""))
        if source is None:
            raise _Missing(
                f"A part of it is on a disk that is not in the package: its group has {len(physical)} disks."
            )
        yield source, int(own["pe_start"]) * SECTOR + int(first) * extent


def parse(text: str) -> dict[str, Any]:
    """A text of LVM2: blocks as dictionaries, lists, strings, and numbers. Raises ValueError."""
    top: dict[str, Any] = {}
    stack, tokens, key = [top], _tokens(text), ""
    for word in tokens:
        if word == "}":
            if len(stack) == 1:
                raise ValueError("a block ends that never began")
            stack.pop()
        elif word == "{":
            if len(stack) == DEEPEST:
                raise ValueError("the blocks are nested too deeply")
            stack.append(stack[-1].setdefault(key, {}))
        elif word == "=":
            value = next(tokens, "")
            stack[-1][key] = list(_list(tokens)) if value == "[" else _value(value)
        else:
            key = word
    if len(stack) != 1:
        raise ValueError("a block does not end")
    return top


def _list(tokens: Iterator[str]) -> Iterator[str | int]:
    for word in tokens:
        if word == "]":
            return
        if word != ",":
            yield _value(word)
    raise ValueError("a list does not end")


def _value(token: str) -> str | int:
    if token.startswith('"'):
        return _TEXT.sub(r"\1", token[1:-1])
    return int(token) if token.lstrip("-").isdecimal() else token


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        if (found := _TOKEN.match(text, at)) is None:
            raise ValueError("there is an unknown character")
        at = found.end()
        if found[1]:
            yield found[1]


def _safe(name: str) -> str:
    """A name in a form that paths can have; LVM2 allows letters, digits and `+_.-` only."""
    return "".join(each if each.isascii() and (each.isalnum() or each in "+_.-") else "_" for each in name)[:128]
