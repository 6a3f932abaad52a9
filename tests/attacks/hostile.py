"""Hostile files: small to send, and made to cost time or memory to read."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

MIB = 1 << 20


def tar_header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """The header of an entry of an archive."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.type = size, kind
    return entry.tobuf(tarfile.USTAR_FORMAT)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % tarfile.BLOCKSIZE)


def pax_bomb(size: int) -> bytes:
    """An OVA with one extended header of digits, whose reading costs the square of `size` (CVE-2024-6232)."""
    return tar_header("x", size, tarfile.XHDTYPE) + padded(b"1" * size) + tar_header("a.ovf", 0) + bytes(1024)


def chained_headers(count: int) -> bytes:
    """An OVA with so many extended headers before its first entry; each is read within the one before."""
    one = tar_header("x", 1, tarfile.GNUTYPE_LONGNAME) + padded(b"y")
    return one * count + tar_header("a.ovf", 0) + bytes(1024)


def deep_xml(levels: int) -> bytes:
    return b"<Envelope>" + b"<a>" * levels


def zip_bomb(size: int) -> bytes:
    """A bundle of logs that unpacks to `size` bytes of zeros."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("var/log/vmkernel.log", bytes(size))
    return packed.getvalue()


def gzip_bomb(size: int) -> bytes:
    return gzip.compress(b"0xbad0022\n" + bytes(size))


def vmx_with_keys(count: int) -> bytes:
    return "".join(f'k{number} = ""\n' for number in range(count)).encode()[:MIB]


def vmx_of_controllers(count: int) -> bytes:
    """A VMX with so many disks; each is compared with what else its controller has."""
    return "".join(f'scsi0:{number}.present = "TRUE"\n' for number in range(count)).encode()[:MIB]


PAGE = """---
title: Brackets
summary: A page that takes long to render.
subjects:
  - test
applies_to:
  - test
source:
  - "none"
---
## When

{text}

## Before

Nothing.

## Steps

1. Nothing.

## Check

Nothing.

## Undo

Nothing.
"""


def page_of(piece: str, size: int) -> str:
    """A page whose text is `piece` again and again, `size` characters in all."""
    return PAGE.format(text=piece * (size // len(piece)))
