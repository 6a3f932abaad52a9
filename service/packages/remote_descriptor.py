"""Reads the descriptor of a package on a web server, and no more than that, for the pre-flight."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple
from urllib.parse import unquote

from yarl import URL

from knowledge.ovf.package import is_archive
from knowledge.ovf.xml import LARGEST_DOCUMENT
from service.api.redaction import without_secrets
from service.api.settings import Settings
from service.errors import FetchBrokeOff, PackageRefused
from service.packages.contents import CHECK_IN_THE_SHELL, START, refuse_compressed
from service.packages.descriptor import Outline
from service.packages.fetch import Answer, fetch
from service.workers.pool import Workers

READ_SECONDS = 30
FIRST_READ = 64 << 10
"""Bytes of an archive that are read at first; most descriptors fit into them."""
LARGEST_READ = LARGEST_DOCUMENT + (1 << 20)
OutlineOrNone: Any = Outline | None


class RemoteDescriptor(NamedTuple):
    """A package at a URL: its URL after redirects, whether it is an archive, its outline, and all its bytes.

    `text` is the descriptor as it was read, empty for an archive; `size` is None when neither server nor descriptor
    reports the bytes.
    """

    url: URL
    archive: bool
    text: bytes
    outline: Outline
    size: int | None


async def read_remote(text: str, settings: Settings, workers: Workers) -> RemoteDescriptor:
    """The descriptor of the package at the URL `text`; raises what `fetch` and `Workers.run` do, and PackageRefused."""
    try:
        async with asyncio.timeout(READ_SECONDS), fetch(text, settings) as answer:
            start = await _read_up_to(answer, b"", START)
            refuse_compressed(start)
            if is_archive(start):
                return RemoteDescriptor(answer.url, True, b"", await _of_archive(answer, start, workers), answer.size)
            data = await _read_up_to(answer, start, LARGEST_DOCUMENT + 1)
            name = unquote(answer.url.name) or "descriptor"
            found = await workers.run("read_start", Outline, file=data, name=name, advice=CHECK_IN_THE_SHELL)
            sizes = [file.size for file in found.files]
            size = None if None in sizes else sum(each or 0 for each in sizes)
            return RemoteDescriptor(answer.url, False, data, found, size)
    except TimeoutError as error:
        raise FetchBrokeOff(
            f"The descriptor of {without_secrets(text)} did not arrive within {READ_SECONDS} seconds. Try again, or "
            "copy the package into the import folder."
        ) from error


async def _of_archive(answer: Answer, start: bytes, workers: Workers) -> Outline:
    head, wanted = start, FIRST_READ
    while True:
        head = await _read_up_to(answer, head, wanted)
        found: Outline | None = await workers.run(
            "read_start", OutlineOrNone, file=head, name="", advice=CHECK_IN_THE_SHELL
        )
        if found is not None:
            return found
        if len(head) < wanted or wanted >= LARGEST_READ:
            raise PackageRefused("The archive is truncated, or its descriptor is longer than any real one.")
        wanted = min(2 * wanted, LARGEST_READ)


async def _read_up_to(answer: Answer, head: bytes, count: int) -> bytes:
    """`head` and what follows it: `count` bytes in all, or fewer at the end."""
    chunks, size = [head], len(head)
    while size < count and (chunk := await answer.content.read(count - size)):
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)
