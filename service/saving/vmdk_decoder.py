"""Decodes a stream-optimized VMDK, as an export lease sends it, into the raw disk; pure.

The format is in VMware's "Virtual Disk Format 5.0": a header of one sector, then grains, each behind a marker with its
place and its compressed size. Grains that are missing are zeros. What comes is not trusted: sizes have limits, and no
grain may inflate to more than its own size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import cast

from knowledge.ovf.contents import SPARSE_VMDK
from service.errors import BackupDamaged, DiskRefused

try:  # it inflates in less than half the time of zlib, but has no wheels for some systems
    from isal import isal_zlib as deflate
except ImportError:
    import zlib as deflate  # type: ignore[no-redef]

DEFLATE_ERROR = cast(type[Exception], deflate.error)
SECTOR = 512
HEADER = struct.Struct("<4sIIQQQQIQQQB4sH")
MARKER = struct.Struct("<QI")
COMPRESSED, MARKERS = 1 << 16, 1 << 17
"""Flags of the header: the grains are compressed, and there are markers."""
AT_END = (1 << 64) - 1
"""The place of the grain directory in the header of a stream: it is in the footer."""
END_OF_STREAM, LAST_TYPE = 0, 3
LARGEST_DISK = 64 << 40
"""Bytes of a disk; vSphere makes disks of up to 62 TiB."""
LARGEST_GRAIN, LARGEST_SKIP = 1 << 20, 1 << 30
"""Bytes of a grain, and of metadata between grains."""
ZEROS = memoryview(bytes(1 << 20))


def capacity_of(start: bytes) -> int:
    """The bytes of the disk whose VMDK begins so; 0 when that is no header."""
    return int(HEADER.unpack_from(start)[3]) * SECTOR if len(start) >= HEADER.size else 0


class VmdkDecoder:
    """Decodes one disk; `name` is for messages. `capacity` is in bytes, and 0 before the header has arrived."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._buffer = bytearray()
        self._skip = 0
        self._grain = 0
        self._streamed = False
        self._ended = False
        self._place = 0
        """Bytes of the raw disk so far."""
        self.capacity = 0

    def feed(self, data: bytes) -> Iterator[bytes | memoryview]:
        """Yield the pieces of the raw disk that `data` completes, in order.

        Raises DiskRefused for what is not a stream-optimized VMDK with its grains in ascending order, and BackupDamaged
        for a grain that cannot be inflated.
        """
        self._buffer += data
        while not self._ended:
            if self._skip:
                gone = min(self._skip, len(self._buffer))
                del self._buffer[:gone]
                self._skip -= gone
                if self._skip:
                    return
            if len(self._buffer) < SECTOR:
                return
            if not self.capacity:
                self._read_header()
                continue
            lba, size = MARKER.unpack_from(self._buffer)
            if not size:
                self._read_metadata(lba)
                continue
            if size > 2 * self._grain:
                raise self._damaged(f"a grain of {size:,} bytes is larger than it can be")
            if len(self._buffer) < MARKER.size + size:
                return
            yield from self._inflate(lba * SECTOR, self._buffer[MARKER.size : MARKER.size + size])
            self._skip = -(-(MARKER.size + size) // SECTOR) * SECTOR
        self._buffer.clear()

    def finish(self) -> Iterator[bytes | memoryview]:
        """Yield the zeros up to the end of the disk; raises BackupDamaged when the stream has not come to its end."""
        # qemu-img writes the directory at the beginning and no marker at the end; the last sector may be cut short.
        if not self.capacity or (not self._ended and (self._streamed or any(self._buffer))):
            raise self._damaged("it ended before its last grain")
        yield from self._zeros(self.capacity)

    def _read_header(self) -> None:
        magic, version, flags, capacity, grain, _, _, _, _, directory, overhead, *_, algorithm = HEADER.unpack_from(
            self._buffer
        )
        if magic != SPARSE_VMDK:
            raise self._refused("it is not a VMDK")
        if version > 3 or flags & (COMPRESSED | MARKERS) != COMPRESSED | MARKERS or algorithm != 1:
            raise self._refused("it is not a stream-optimized VMDK")
        self.capacity, self._grain = capacity * SECTOR, grain * SECTOR
        if not 0 < self.capacity <= LARGEST_DISK or not SECTOR <= self._grain <= LARGEST_GRAIN:
            raise self._refused(f"its header states {self.capacity:,} bytes in grains of {self._grain:,} bytes")
        if not 0 < overhead * SECTOR <= LARGEST_SKIP:
            raise self._refused("its header states a wrong place of the first grain")
        self._streamed, self._skip = directory == AT_END, overhead * SECTOR

    def _read_metadata(self, sectors: int) -> None:
        (kind,) = struct.unpack_from("<I", self._buffer, MARKER.size)
        if kind > LAST_TYPE or sectors * SECTOR > LARGEST_SKIP:
            raise self._damaged(f"it has a marker of the unknown type {kind}")
        self._ended = kind == END_OF_STREAM
        self._skip = SECTOR + (0 if self._ended else sectors * SECTOR)

    def _inflate(self, start: int, data: bytearray) -> Iterator[bytes | memoryview]:
        if start < self._place:
            raise self._refused(
                f"its grains are not in ascending order (the one for byte {start:,} comes after byte {self._place:,}), "
                "so it cannot be piped"
            )
        wanted = min(self._grain, self.capacity - start)
        if start % self._grain or wanted <= 0:
            raise self._damaged(f"a grain states the place {start:,} in a disk of {self.capacity:,} bytes")
        inflater = deflate.decompressobj()
        try:
            grain = inflater.decompress(data, self._grain)
        except DEFLATE_ERROR as error:
            raise self._damaged(f"the grain for byte {start:,} cannot be inflated") from error
        if not inflater.eof or len(grain) not in (wanted, self._grain):
            raise self._damaged(f"the grain for byte {start:,} does not inflate to {wanted:,} bytes")
        yield from self._zeros(start)
        self._place += wanted
        yield grain[:wanted]

    def _zeros(self, end: int) -> Iterator[memoryview]:
        while count := min(end - self._place, len(ZEROS)):
            self._place += count
            yield ZEROS[:count]

    def _refused(self, why: str) -> DiskRefused:
        return DiskRefused(
            f"The disk {self._name} cannot be saved as the host sent it: {why}. Back the VM up with save=none, which "
            "keeps the disk as it is sent."
        )

    def _damaged(self, why: str) -> BackupDamaged:
        return BackupDamaged(
            f"The disk {self._name} did not arrive whole: {why}. Check the network and the proxies between this "
            "service and the host, then start the action again."
        )
