"""Fetches over https from strangers: every hop's addresses are checked, and the connection goes to those very ones."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from service.api.settings import Settings
from service.errors import DiskFull, FetchAbsent, FetchBrokeOff, FetchFailed, InvalidParams, NotAllowed, NotConfigured
from service.packages.url_guard import Address, check_url, literal, why_refused
from service.transfer.disk_space import LEAST_ROOM, free_room

MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
ABSENT = frozenset({403, 404, 410})
"""What servers answer for a file that is not there; object stores say 403 for it."""
STALL_SECONDS = 120
"""A server that sends nothing for this long has broken off."""
CONNECT_SECONDS = 30
PIECE = 1 << 20
LOOK_EVERY = 64
"""Pieces after which the free room is looked at again."""


class Answer(NamedTuple):
    """An open answer of a server; `url` is where it came from in the end, `size` its length where that is said."""

    url: URL
    size: int | None
    content: aiohttp.StreamReader


@contextlib.asynccontextmanager
async def fetching(text: str, settings: Settings) -> AsyncIterator[Answer]:
    """Open `text` for reading, following at most five redirects.

    Raises InvalidParams and NotAllowed for a URL that nothing may be fetched from, FetchFailed when the server does
    not give the file, FetchBrokeOff when the connection breaks, also while the block reads.
    """
    url = check_url(text)
    tls = _tls(settings)
    for _ in range(MOST_REDIRECTS + 1):
        addresses = await _addresses(url)
        if reason := why_refused(url.raw_host or "", addresses, settings.import_hosts):
            raise NotAllowed(reason)
        async with asked(url, addresses, tls) as response:
            if response.status not in REDIRECTS:
                yield _answer(url, response)
                return
            url = _next(url, response.headers.get("Location", ""))
    raise FetchFailed(f"{shown(text)} leads from one place to the next, more than {MOST_REDIRECTS} times.")


async def save(answer: Answer, to: Path, limit: int, progress: Callable[[int], None]) -> int:
    """Write the answer to the file `to` and return its bytes; `progress` is told those so far.

    Raises FetchFailed past `limit` bytes, DiskFull when the room runs out.
    """
    loop = asyncio.get_running_loop()
    _see_room(to, answer.size or 0)
    size, pieces = 0, 0
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="fetch") as writer, to.open("wb") as file:
            async for piece in answer.content.iter_chunked(PIECE):
                size += len(piece)
                if size > limit:
                    raise FetchFailed(f"{shown(str(answer.url))} has more than the {limit} bytes that it should have.")
                if pieces % LOOK_EVERY == 0:
                    _see_room(to, len(piece))
                pieces += 1
                await loop.run_in_executor(writer, file.write, piece)
                progress(size)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(f"There is no room left in {to.parent} for {to.name}.") from error
        raise
    return size


def shown(url: str) -> str:
    """A URL for people: without its query, which may hold a signature."""
    return url.strip().partition("?")[0].partition("#")[0][:200]


class _Pinned(AbstractResolver):
    """Answers with the addresses that were checked, so that another look-up cannot bring others."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = addresses

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002
    ) -> list[ResolveResult]:
        """See AbstractResolver."""
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


async def _addresses(url: URL) -> list[Address]:
    host = url.raw_host or ""
    if (address := literal(host)) is not None:
        return [address]
    try:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, url.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchBrokeOff(f"The name {host} does not resolve: {getattr(error, 'strerror', '') or error}.") from error
    return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


@contextlib.asynccontextmanager
async def asked(url: URL, addresses: Sequence[Address], tls: ssl.SSLContext) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer to one request that goes to one of these addresses, whatever the host's name means to anybody else.

    Raises FetchFailed for a certificate that is not trusted, FetchBrokeOff when the connection breaks.
    """
    connector = aiohttp.TCPConnector(resolver=_Pinned(addresses), use_dns_cache=False, force_close=True, ssl=tls)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=STALL_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(
                connector=connector, timeout=timeout, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
            ) as http,
            http.get(url, allow_redirects=False, headers={"Accept-Encoding": "identity"}) as response,
        ):
            yield response
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
        raise FetchFailed(
            f"The certificate of {url.host} is not trusted ({error}). Set VMKOPS_IMPORT_CA_FILE to the PEM file of "
            "its CA."
        ) from error
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        raise FetchBrokeOff(f"Reading {shown(str(url))} broke off: {error or type(error).__name__}.") from error


def _answer(url: URL, response: aiohttp.ClientResponse) -> Answer:
    if response.status != 200:
        error = FetchAbsent if response.status in ABSENT else FetchFailed
        raise error(f"{shown(str(url))}: the server answered {response.status} {response.reason}.")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise FetchFailed(f"{shown(str(url))}: the server packs what it sends; ask for the file as it is.")
    return Answer(url, response.content_length, response.content)


def _next(url: URL, location: str) -> URL:
    try:
        return check_url(str(url.join(URL(location)))) if location else url
    except (ValueError, InvalidParams) as error:
        raise NotAllowed(f"{shown(str(url))} leads to {location[:80]!r}. {error}") from error


def _tls(settings: Settings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        if settings.import_ca_file is not None:
            context.load_verify_locations(settings.import_ca_file)
    except OSError as error:
        raise NotConfigured(
            f"VMKOPS_IMPORT_CA_FILE names {settings.import_ca_file}, which holds no certificates: {error}."
        ) from error
    return context


def _see_room(to: Path, size: int) -> None:
    free = free_room(to.parent)
    if size + LEAST_ROOM > free:
        raise DiskFull(f"{free >> 20} MiB are free in {to.parent}, too few for the {size >> 20} MiB of {to.name}.")
