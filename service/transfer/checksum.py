"""Compares a disk as it has arrived with what the host says that it has sent.

TLS keeps the bytes between its two ends; whatever stands beyond (a proxy that opens it, a bad card or memory) can
change one without anybody noticing. The host counts and hashes what it sends; only then is a copy known to be the disk.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

from service.errors import BackupDamaged
from service.vsphere.lease_manifest import SentFile

CHUNK = 4 << 20


async def hash_file(path: Path, progress: Callable[[int], None]) -> tuple[int, str]:
    """The size in bytes and the SHA-256 in hex of a file of any size; `progress` is told the bytes so far.

    It reads in a thread, piece by piece, so that a cancel is heard after each. Raises OSError.
    """
    size, digest = 0, hashlib.sha256()
    with await asyncio.to_thread(path.open, "rb", 0) as file:

        def piece() -> int:
            data = file.read(CHUNK)
            digest.update(data)
            return len(data)

        while count := await asyncio.to_thread(piece):
            size += count
            progress(size)
    return size, digest.hexdigest()


async def compare(sent: SentFile | None, file: Path, size: int, sha256: str) -> str:
    """Hold a file of `size` bytes against what was sent; says in words how, and raises BackupDamaged when it differs.

    SHA-256 costs nothing, as it was computed on the way. For a host that gives SHA-1 only the file is read again.
    """
    if sent is None:
        return "the host does not say what it sent, so it was not compared"
    if sent.size and sent.size != size:
        raise BackupDamaged(f"The disk {file.name} has arrived with {size} bytes where the host sent {sent.size}.")
    if sent.sha256:
        kind, theirs, ours = "SHA-256", sent.sha256, sha256
    elif sent.sha1:
        kind, theirs, ours = "SHA-1", sent.sha1, await asyncio.to_thread(_sha1, file)
    else:
        return "of the size that the host sent; it gives no checksum"
    if theirs != ours:
        raise BackupDamaged(
            f"The disk {file.name} has arrived with the {kind} {ours}, and the host sent it with {theirs}: something "
            "between the host and here changes data. Look at proxies, network cards and memory on the way."
        )
    return f"with the {kind} that the host sent"


def _sha1(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
