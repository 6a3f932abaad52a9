"""Computes checksums, and compares a downloaded disk with what the host reports that it sent.

TLS protects the bytes between its two ends. A proxy that opens it, a bad network card or bad memory can still change
one unnoticed. The host counts and hashes what it sends, and only that comparison proves that the copy is the disk.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

from service.errors import BackupDamaged
from service.vsphere.lease_manifest import SentFile

CHUNK = 4 << 20
"""Bytes that are read and hashed at once."""


async def hash_file(path: Path, progress: Callable[[int], None]) -> tuple[int, str]:
    """Return the size in bytes and the SHA-256 in hex of a file; `progress` receives the bytes read so far.

    It reads chunk by chunk in a thread, so that a cancellation takes effect after each chunk. Raises OSError.
    """
    size, digest = 0, hashlib.sha256()
    with await asyncio.to_thread(path.open, "rb", 0) as file:

        def hash_chunk() -> int:
            data = file.read(CHUNK)
            digest.update(data)
            return len(data)

        while count := await asyncio.to_thread(hash_chunk):
            size += count
            progress(size)
    return size, digest.hexdigest()


async def compare_checksum(sent: SentFile | None, file: Path, size: int, sha256: str, sha1: str = "") -> str:
    """Compare a downloaded file with what the host sent, and return how it was compared, for a step's detail.

    `size` (bytes) and `sha256` (hex) were computed during the download, so comparing them costs nothing. For a host
    that reports SHA-1 only, the file is read again, unless its `sha1` is known. Raises BackupDamaged when they differ.
    """
    if sent is None:
        return "not compared, because the host does not report what it sent"
    if sent.size and sent.size != size:
        raise BackupDamaged(
            f"The disk {file.name} arrived with {size:,} bytes, but the host sent {sent.size:,}. Check the network and "
            "the proxies between this service and the host, then start the action again."
        )
    if sent.sha256:
        kind, expected, actual = "SHA-256", sent.sha256, sha256
    elif sent.sha1:
        kind, expected, actual = "SHA-1", sent.sha1, sha1 or await asyncio.to_thread(_sha1, file)
    else:
        return "with the size that the host sent; it reports no checksum"
    if actual != expected:
        raise BackupDamaged(
            f"The disk {file.name} arrived with the {kind} {actual}, but the host sent it with {expected}: something "
            "between the host and this service changes data. Check proxies, network cards and memory on that path."
        )
    return f"with the {kind} that the host sent"


def _sha1(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
