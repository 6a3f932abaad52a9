"""Recognizes what a file is by its first bytes: compressed, an archive, or something that holds no log.

The bytes are those that each format's own specification gives: RFC 1952 (gzip), RFC 8878 (Zstandard), the descriptions
of xz, bzip2, ZIP (APPNOTE) and pax archives, ELF, PDF, SQLite, and VMware's Virtual Disk Format 1.1.
"""

from __future__ import annotations

import re

ENOUGH = 512
"""Bytes that suffice to recognize every format."""

_COMPRESSIONS = (
    ("gzip", re.compile(rb"\x1f\x8b\x08")),
    ("xz", re.compile(rb"\xfd7zXZ\x00")),
    ("zstd", re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")),
    ("bzip2", re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")),
)
_ARCHIVES = (
    ("tar", re.compile(rb"[^\x00].{256}ustar[\x00 ]", re.DOTALL)),
    ("zip", re.compile(rb"PK(?:\x03\x04|\x05\x06|\x07\x08)")),
)
_UNPACK = "Unpack it, and decode the logs in it."
_EXPORT = "Save its text as a file first."
_NOT_TEXT = (
    (rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (rb"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (rb"\x04\x22\x4d\x18", "LZ4-compressed data", _UNPACK),
    (rb"\x1f\x9d", "a file of the program compress (.Z)", _UNPACK),
    (rb"\x7fELF", "an ELF program, library or core dump", ""),
    (rb"MZ[\x00-\xff]\x00", "a Windows program", ""),
    (rb"%PDF-", "a PDF document", _EXPORT),
    (rb"SQLite format 3\x00", "an SQLite database", ""),
    (rb"KDMV[\x00-\x09]\x00", "a VMDK disk", ""),
    (rb"COWD[\x00-\x09]\x00", "a VMDK disk", ""),
    (rb"ElfFile\x00", "a Windows event log", _EXPORT),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a Microsoft Office document", _EXPORT),
    (rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff", "an image", "vmkops reads text, not screenshots."),
    (rb"\xd4\xc3\xb2\xa1|\x0a\x0d\x0d\x0a", "a network capture", ""),
    (rb"QFI\xfb", "a QCOW2 disk", ""),
)
_OTHERS = tuple((re.compile(pattern), name, advice) for pattern, name, advice in _NOT_TEXT)
_FIRST_BYTES = frozenset(b"\x1f\xfd\x28BP7R\x04\x7fM%SKCE\xd0\x89\xff\xd4\x0aQ\xfe\xef") | frozenset(range(0x50, 0x60))
_LONGEST_MAGIC = 16
_UNIT = 4
"""The most bytes of a character in UTF-16 or UTF-32."""


def needs_more(head: bytes) -> bool:
    """Return whether more bytes are needed to recognize an input that begins with ``head``.

    Lines of text need no more, so that a log is decoded while it is written.
    """
    if len(head) >= ENOUGH:
        return False
    if len(head) < _UNIT and b"\n" not in head:
        return True
    return b"\x00" in head or (len(head) < _LONGEST_MAGIC and head[0] in _FIRST_BYTES and b"\n" not in head)


def compression_of(head: bytes) -> str:
    """Return ``gzip``, ``xz``, ``zstd`` or ``bzip2``; empty when the input is not compressed."""
    return next((name for name, magic in _COMPRESSIONS if magic.match(head)), "")


def archive_of(head: bytes) -> str:
    """Return ``tar`` or ``zip``; empty when the input is no archive."""
    return next((name for name, magic in _ARCHIVES if magic.match(head)), "")


def not_text(head: bytes) -> tuple[str, str] | None:
    """Return the name of a format that holds no log, and what to do instead (may be empty); None for any other."""
    return next(((name, advice) for magic, name, advice in _OTHERS if magic.match(head)), None)


def looks_binary(sample: bytes) -> bool:
    """Return whether bytes are not text: many control characters, or many that are neither ASCII nor UTF-8.

    NUL bytes don't count: hosts that lose power leave runs of them in logs.
    """
    sample = sample.replace(b"\x00", b"")
    control = len(sample) - len(sample.translate(None, _CONTROL))
    others = len(sample) - len(sample.decode("utf-8", "ignore").encode())
    return control > len(sample) // 20 or others > max(8, len(sample) // 3)


_CONTROL = bytes({*range(32), 127} - set(b"\t\n\v\f\r\b\x1b"))
