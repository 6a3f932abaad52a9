"""Real stream-optimized VMDKs, as an NFC lease delivers them, with contents that a test can recognise."""

from __future__ import annotations

import random
import subprocess
import tempfile
from pathlib import Path

from tests.peers.fetch import obtain

BLOCK = 1 << 16


def make_vmdk(path: Path, *, size_mb: int, seed: int, filled: float = 1.0, changed: int = 0) -> Path:
    """Write a stream-optimized VMDK of `size_mb` MiB to `path` and return it.

    The contents come from `seed` alone and cannot be compressed, so the file is about as large as the part of the
    disk that is `filled` (0 to 1); the rest is zeros. So many blocks of 64 KiB in its middle are `changed`.
    """
    with tempfile.NamedTemporaryFile(suffix=".raw", dir=path.parent) as raw:
        blocks = size_mb * (1 << 20) // BLOCK
        for block in range(int(blocks * filled)):
            other = 0 <= block - int(blocks * filled) // 2 < changed
            raw.write(block_content(seed + 1000 * other, block))
        raw.truncate(size_mb << 20)
        raw.flush()
        _qemu_img("convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", raw.name, str(path))
    return path


def block_content(seed: int, block: int) -> bytes:
    """The bytes of a 64 KiB block of a disk made with `seed`."""
    return random.Random(seed * 1_000_003 + block).randbytes(BLOCK)


def read_vmdk(path: Path) -> bytes:
    """The contents of a VMDK as the guest would see them."""
    with tempfile.NamedTemporaryFile(suffix=".raw", dir=path.parent) as raw:
        _qemu_img("convert", "-f", "vmdk", "-O", "raw", str(path), raw.name)
        return Path(raw.name).read_bytes()


def _qemu_img(*arguments: str) -> None:
    done = subprocess.run([str(obtain("qemu-img")), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"qemu-img {arguments[0]} failed: {done.stderr.strip()}")
