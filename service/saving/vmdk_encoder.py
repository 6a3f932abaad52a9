"""Encodes a raw disk as a stream-optimized VMDK, as an import lease takes it; pure.

The format is in VMware's "Virtual Disk Format 5.0". Grains that are all zeros are left out.
"""

from __future__ import annotations

import struct
import zlib

from knowledge.ovf.contents import SPARSE_VMDK
from service.errors import ImportFailed
from service.saving.vmdk_decoder import AT_END, COMPRESSED, HEADER, MARKER, MARKERS, SECTOR

GRAIN = 64 << 10
ENTRIES = 512
"""Grains of one grain table."""
OVERHEAD = 128
"""The sector of the first marker; the descriptor is before it."""
DESCRIPTOR_AT, DESCRIPTOR_SECTORS = 1, 20
TABLE, DIRECTORY, FOOTER = 1, 2, 3
"""Types of markers; 0 ends the stream."""
LEVEL = 1
"""Of the compression: what the disk is sent with is thrown away by the host."""
ZERO_GRAIN = bytes(GRAIN)
VALID_NEW_LINES = 1
MOST_SECTORS = (1 << 32) - (1 << 20)
"""The tables have 32 bits for a sector; the rest is room for the tables themselves."""
DESCRIPTOR = """\
# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="streamOptimized"

# Extent description
RW {sectors} SPARSE "{name}"

# The Disk Data Base
#DDB
ddb.adapterType = "lsilogic"
ddb.geometry.cylinders = "{cylinders}"
ddb.geometry.heads = "255"
ddb.geometry.sectors = "63"
ddb.virtualHWVersion = "4"
"""


class VmdkEncoder:
    """Encodes one disk of `capacity` bytes, whose file is called `name`; call `start`, `feed` for all bytes, `end`."""

    def __init__(self, name: str, capacity: int) -> None:
        self._name = "".join(each for each in name if each.isprintable() and each != '"')[:100]
        self._sectors = -(-capacity // SECTOR)
        self._rest = b""
        self._grain = 0
        self._at = OVERHEAD
        """The sector of what comes next in the stream."""
        self._table = [0] * ENTRIES
        self._tables: list[int] = []

    def start(self) -> bytes:
        """The header and the descriptor."""
        text = DESCRIPTOR.format(
            sectors=self._sectors, name=self._name, cylinders=max(1, min(65535, self._sectors // (255 * 63)))
        ).encode()
        text = text[: DESCRIPTOR_SECTORS * SECTOR].ljust(DESCRIPTOR_SECTORS * SECTOR, b"\0")
        return (self._header(AT_END) + text).ljust(OVERHEAD * SECTOR, b"\0")

    def feed(self, data: bytes) -> bytes:
        """What the next bytes of the disk become; empty as long as they are zeros."""
        data, parts = self._rest + data, []
        whole = len(data) // GRAIN * GRAIN
        for start in range(0, whole, GRAIN):
            parts += self._put_grain(data[start : start + GRAIN])
        self._rest = data[whole:]
        return b"".join(parts)

    def end(self) -> bytes:
        """The last grain, the tables, the footer, and the end of the stream."""
        parts = self._put_grain(self._rest.ljust(GRAIN, b"\0")) if self._rest else []
        if self._grain % ENTRIES:
            parts += self._put_table()
        directory = struct.pack(f"<{len(self._tables)}I", *self._tables)
        directory = directory.ljust(-(-len(directory) // SECTOR) * SECTOR, b"\0")
        parts += [self._marker(len(directory) // SECTOR, DIRECTORY), directory]
        place = self._at + 1
        parts += [self._marker(1, FOOTER), self._header(place), self._marker(0, 0)]
        return b"".join(parts)

    def _put_grain(self, grain: bytes) -> list[bytes]:
        parts: list[bytes] = []
        if grain != ZERO_GRAIN:
            if self._at >= MOST_SECTORS:
                raise ImportFailed(f"The disk {self._name} has more than 2 TiB of data, which no VMDK stream can hold.")
            self._table[self._grain % ENTRIES] = self._at
            packed = zlib.compress(grain, LEVEL)
            record = MARKER.pack(self._grain * (GRAIN // SECTOR), len(packed)) + packed
            record = record.ljust(-(-len(record) // SECTOR) * SECTOR, b"\0")
            self._at += len(record) // SECTOR
            parts.append(record)
        self._grain += 1
        if self._grain % ENTRIES == 0:
            parts += self._put_table()
        return parts

    def _put_table(self) -> list[bytes]:
        """The grain table that is complete; none when all its grains are zeros."""
        if not any(self._table):
            self._tables.append(0)
            return []
        table = struct.pack(f"<{ENTRIES}I", *self._table)
        self._tables.append(self._at + 1)
        self._at += 1 + len(table) // SECTOR
        self._table = [0] * ENTRIES
        return [self._marker(len(table) // SECTOR, TABLE), table]

    def _header(self, directory: int) -> bytes:
        flags = VALID_NEW_LINES | COMPRESSED | MARKERS
        packed = HEADER.pack(
            *(SPARSE_VMDK, 3, flags, self._sectors, GRAIN // SECTOR, DESCRIPTOR_AT, DESCRIPTOR_SECTORS, ENTRIES),
            *(0, directory, OVERHEAD, 0, b"\n \r\n", 1),
        )
        return packed.ljust(SECTOR, b"\0")

    @staticmethod
    def _marker(sectors: int, kind: int) -> bytes:
        return struct.pack("<QII", sectors, 0, kind).ljust(SECTOR, b"\0")
