"""Logs as people have them, and what decoding makes of them."""

from __future__ import annotations

import bz2
import gzip
import lzma
from typing import NamedTuple

import zstandard

from knowledge.loginput.decoding import decode_input
from knowledge.loginput.looked_at import LookedAt
from knowledge.loginput.source import Source, of_bytes
from knowledge.loginput.unpacking import Limits
from knowledge.vmkerr.table import bundled
from knowledge.vmklog.finding import Finding

LINES = (
    "2024-09-09T01:01:01.000Z In(182) vmkernel: cpu14:2097225)Heartbeat: 959: nothing here\n"
    "2024-09-09T01:01:02.000Z In(182) vmkernel: cpu14:2097225)WARNING: Migrate: 269: 1 S: Failed: é (0xbad010b) @0x41\n"
)

COMPRESS = {"gzip": gzip.compress, "xz": lzma.compress, "bzip2": bz2.compress, "zstd": zstandard.compress}


class Outcome(NamedTuple):
    findings: list[Finding]
    looked: LookedAt
    files: list[str]


def outcome(content: bytes | Source, release: str | None = None, limits: Limits | None = None) -> Outcome:
    """Decode an input to its end."""
    looked = LookedAt()
    source = of_bytes(content) if isinstance(content, bytes) else content
    lines = [line for lines in decode_input(source, release, bundled(), looked, limits) for line in lines]
    return Outcome([finding for line in lines for finding in line.findings], looked, [line.file for line in lines])


def piped(content: bytes, size: int = 1 << 18) -> Source:
    """The source of an input that comes through a pipe, at most so many bytes at a time."""
    chunks = [content[at : at + size] for at in range(0, len(content), size)]
    return Source(lambda _: chunks.pop(0) if chunks else b"")
