"""Reads the descriptor of a package on a web server, and no more than that, for the pre-flight."""

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
from service.api.redaction import without_secrets
from service.api.settings import Settings
from service.errors import FetchBrokeOff, PackageRefused
from service.packages.contents import START, refuse_compressed, refuse_unless_descriptor
from service.packages.descriptor import parse_deployable
from service.packages.fetch import Answer, fetch

READ_SECONDS = 30
FIRST_READ = 64 << 10
"""Bytes of an archive that are read at first; most descriptors fit into them."""
LARGEST_READ = LARGEST_DOCUMENT + (1 << 20)


class RemoteDescriptor(NamedTuple):
    """A package at a URL: its URL after redirects, whether it is an archive, its descriptor, and all its bytes.

    `text` is the descriptor as it was read; `size` is None when neither server nor descriptor reports the bytes.
    """

    url: URL
    archive: bool
    text: bytes
    descriptor: Descriptor
    size: int | None


async def read_remote(text: str, settings: Settings) -> RemoteDescriptor:
    """The descriptor of the package at the URL `text`; raises what `fetch` does, and PackageRefused."""
    try:
        async with asyncio.timeout(READ_SECONDS), fetch(text, settings) as answer:
            start = await _read_up_to(answer, b"", START)
            refuse_compressed(start)
            if is_archive(start):
                name, data = await _first_entry(answer, start)
                return RemoteDescriptor(answer.url, True, data, parse_deployable(name, data), answer.size)
            data = await _read_up_to(answer, start, LARGEST_DOCUMENT + 1)
            found = parse_deployable(unquote(answer.url.name) or "descriptor", data)
            sizes = [file.size for file in found.files]
            size = None if None in sizes else sum(each or 0 for each in sizes)
            return RemoteDescriptor(answer.url, False, data, found, size)
    except TimeoutError as error:
        raise FetchBrokeOff(
            f"The descriptor of {without_secrets(text)} did not arrive within {READ_SECONDS} seconds. Try again, or "
            "copy the package into the import folder."
        ) from error


async def _first_entry(answer: Answer, start: bytes) -> tuple[str, bytes]:
    head, wanted = start, FIRST_READ
    while True:
        head = await _read_up_to(answer, head, wanted)
        if (found := first_entry(head)) is not None:
            return found
        if len(head) < wanted or wanted >= LARGEST_READ:
            raise PackageRefused("The archive is truncated, or its descriptor is longer than any real one.")
        wanted = min(2 * wanted, LARGEST_READ)


def first_entry(head: bytes) -> tuple[str, bytes] | None:
    """Name and content of the descriptor at the beginning of an archive; None when `head` is too short for it.

    Raises PackageRefused when the archive begins with something else.
    """
    try:
        entry = tarfile.TarFile(fileobj=io.BytesIO(head)).next()
    except (tarfile.TarError, ValueError, OverflowError, OSError):
        return None
    if entry is None:
        return None
    if not entry.isreg() or entry.sparse is not None:
        raise PackageRefused("The archive does not begin with a regular file; an OVA contains regular files only.")
    name = entry.name.removeprefix("./")
    refuse_unless_descriptor(name)
    end = entry.offset_data + entry.size
    return (name, head[entry.offset_data : end]) if end <= len(head) else None


async def _read_up_to(answer: Answer, head: bytes, count: int) -> bytes:
    """`head` and what follows it: `count` bytes in all, or fewer at the end."""
    chunks, size = [head], len(head)
    while size < count and (chunk := await answer.content.read(count - size)):
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)
