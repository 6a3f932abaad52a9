"""Writes a tar archive that a service sends into a new file or folder."""

from __future__ import annotations

import asyncio
import os
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from service.files.tree_writer import TreeWriter

PIECE = 1 << 20


class Written(NamedTuple):
    """How many files, folders and bytes were written, and how many links were left out."""

    files: int
    folders: int
    bytes: int
    left_out: int


async def write_tree(pieces: AsyncIterator[bytes], top: Path) -> Written:
    """Write what is in the archive as `top`; raises Conflict, OSError, and what `pieces` raises."""
    reading, writing = os.pipe()
    unpacking = asyncio.ensure_future(asyncio.to_thread(_unpack, reading, top))
    try:
        with os.fdopen(writing, "wb", 0) as pipe:
            async for piece in pieces:
                await asyncio.to_thread(_write, pipe.fileno(), piece)
    except BrokenPipeError:
        return await unpacking  # it raises why it stopped
    except BaseException:
        await asyncio.gather(unpacking, return_exceptions=True)
        raise
    return await unpacking


def _write(pipe: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(pipe, view) :]


def _unpack(reading: int, top: Path) -> Written:
    left_out = 0
    with os.fdopen(reading, "rb") as pipe, TreeWriter(top) as writer:
        with tarfile.open(fileobj=pipe, mode="r|", encoding="utf-8", errors="surrogateescape") as archive:
            for member in archive:
                parts = [os.fsencode(part) for part in member.name.split("/")[1:]]
                if member.isdir():
                    writer.folder(parts, member.mode, int(member.mtime))
                elif member.isreg() and (content := archive.extractfile(member)) is not None:
                    writer.file(parts, member.mode, int(member.mtime))
                    while piece := content.read(PIECE):
                        writer.write(piece)
                else:
                    left_out += 1
        while pipe.read(PIECE):
            pass  # the padding at the end
    return Written(writer.files, writer.folders, writer.bytes, left_out)
