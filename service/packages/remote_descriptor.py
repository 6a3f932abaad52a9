"""Reads the descriptor of a package that is still on its web server, and no more of it, for the pre-flight."""

from __future__ import annotations

import asyncio
import io
import tarfile
from typing import NamedTuple
from urllib.parse import unquote

from yarl import URL

from knowledge.ovf.descriptor import Descriptor
from knowledge.ovf.package import is_archive
from knowledge.ovf.xml import LARGEST_DOCUMENT
from service.api.settings import Settings
from service.errors import FetchBrokeOff, PackageRefused
from service.packages.contents import START, refuse_compressed, refuse_unless_descriptor
from service.packages.descriptor import understand
from service.packages.fetch import Answer, fetching, shown

PEEK_SECONDS = 30
FIRST_LOOK = 64 << 10
LONGEST_LOOK = LARGEST_DOCUMENT + (1 << 20)


class Peek(NamedTuple):
    """What is at a URL: where it led, the descriptor as it is there, and the bytes of the whole where they are said."""

    url: URL
    archive: bool
    text: bytes
    descriptor: Descriptor
    size: int | None


async def peek(text: str, settings: Settings) -> Peek:
    """Look at the package at the URL `text`; raises what `fetching` does, and PackageRefused."""
    try:
        async with asyncio.timeout(PEEK_SECONDS), fetching(text, settings) as answer:
            start = await _at_least(answer, b"", START)
            refuse_compressed(start)
            if is_archive(start):
                name, data = await _first_entry(answer, start)
                return Peek(answer.url, True, data, understand(name, data), answer.size)
            data = await _at_least(answer, start, LARGEST_DOCUMENT + 1)
            found = understand(unquote(answer.url.name) or "descriptor", data)
            known = [file.size for file in found.files]
            size = None if None in known else sum(each or 0 for each in known)
            return Peek(answer.url, False, data, found, size)
    except TimeoutError as error:
        raise FetchBrokeOff(f"{shown(text)} gave no descriptor within {PEEK_SECONDS} seconds.") from error


async def _first_entry(answer: Answer, start: bytes) -> tuple[str, bytes]:
    head, wanted = start, FIRST_LOOK
    while True:
        head = await _at_least(answer, head, wanted)
        if (found := first_entry(head)) is not None:
            return found
        if len(head) < wanted or wanted >= LONGEST_LOOK:
            raise PackageRefused("The archive is cut short, or its descriptor is longer than any real one.")
        wanted = min(2 * wanted, LONGEST_LOOK)


def first_entry(head: bytes) -> tuple[str, bytes] | None:
    """Name and content of the descriptor with which an archive begins; None when `head` is too short for it.

    Raises PackageRefused when it begins with something else.
    """
    try:
        entry = tarfile.TarFile(fileobj=io.BytesIO(head)).next()
    except (tarfile.TarError, ValueError, OverflowError, OSError):
        return None
    if entry is None:
        return None
    if not entry.isreg() or entry.sparse is not None:
        raise PackageRefused("The archive does not begin with a plain file; an OVA holds plain files only.")
    name = entry.name.removeprefix("./")
    refuse_unless_descriptor(name)
    end = entry.offset_data + entry.size
    return (name, head[entry.offset_data : end]) if end <= len(head) else None


async def _at_least(answer: Answer, head: bytes, count: int) -> bytes:
    """`head` and what follows, `count` bytes of it or all there is."""
    pieces, size = [head], len(head)
    while size < count and (piece := await answer.content.read(count - size)):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)
