"""Fetches over https from untrusted servers: it checks the addresses of every hop, and connects to those only."""

from __future__ import annotations

import asyncio
import contextlib
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

from knowledge.restricted_networks import Address
from service.api.redaction import redact, without_secrets
from service.api.settings import Settings
from service.errors import DiskFull, FetchAbsent, FetchBrokeOff, FetchFailed, InvalidParams, NotAllowed, NotConfigured
from service.packages.url_guard import check_url, literal_address, why_refused
from service.transfer.disk_space import FULL, LOOK_BYTES, require_space

MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
ABSENT = frozenset({403, 404, 410})
"""Status codes for a file that does not exist; object stores answer 403."""
STALL_SECONDS = 120
"""A server that sends nothing for this long counts as gone."""
CONNECT_SECONDS = 30
CHUNK = 1 << 20
"""Bytes that are written at once."""


class Answer(NamedTuple):
    """An open answer of a server: its URL after redirects, and its bytes, None where they are not reported."""

    url: URL
    size: int | None
    content: aiohttp.StreamReader


@contextlib.asynccontextmanager
async def fetch(text: str, settings: Settings) -> AsyncIterator[Answer]:
    """Open `text` for reading, following at most five redirects.

    Raises InvalidParams and NotAllowed for a URL that is refused, FetchFailed when the server does not deliver the
    file, FetchBrokeOff when the connection is interrupted, also while the block reads.
    """
    url = check_url(text, settings)
    tls = _tls(settings)
    for _ in range(MOST_REDIRECTS + 1):
        addresses = await _addresses(url)
        if reason := why_refused(url.raw_host or "", addresses, settings.import_hosts):
            raise NotAllowed(reason)
        async with request(url, addresses, tls) as response:
            if response.status not in REDIRECTS:
                yield _answer(url, response)
                return
            url = _next(url, response.headers.get("Location", ""), settings)
    raise FetchFailed(f"{without_secrets(text)} redirects more than {MOST_REDIRECTS} times. Give the final URL.")


async def save(answer: Answer, to: Path, limit: int, progress: Callable[[int], None], keep: int) -> int:
    """Write the answer to the file `to` and return its bytes; `progress` receives the bytes so far.

    Raises FetchFailed past `limit` bytes, DiskFull when less than `keep` bytes of disk space would stay free.
    """
    loop = asyncio.get_running_loop()
    require_space(to, answer.size or 0, keep)
    size, next_look = 0, LOOK_BYTES
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="fetch") as writer, to.open("wb") as file:
            async for chunk in answer.content.iter_chunked(CHUNK):
                size += len(chunk)
                if size > limit:
                    raise FetchFailed(
                        f"{without_secrets(str(answer.url))} is larger than the {limit} bytes that are expected."
                    )
                if size >= next_look:
                    require_space(to, len(chunk), keep)
                    next_look = size + LOOK_BYTES
                await loop.run_in_executor(writer, file.write, chunk)
                progress(size)
    except OSError as error:
        if error.errno in FULL:
            raise DiskFull(
                f"No disk space is left in {to.parent} for {to.name}. Free up space, then try again."
            ) from error
        raise
    return size


class _Pinned(AbstractResolver):
    """Resolves to the addresses that were checked, so that a second lookup cannot return others."""

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
        """See AbstractResolver; nothing has to be closed."""


async def _addresses(url: URL) -> list[Address]:
    host = url.raw_host or ""
    if (address := literal_address(host)) is not None:
        return [address]
    try:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, url.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", "") or error
        raise FetchBrokeOff(f"The name {host} does not resolve: {reason}. Check the name and DNS.") from error
    return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


@contextlib.asynccontextmanager
async def request(url: URL, addresses: Sequence[Address], tls: ssl.SSLContext) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer to one request to one of these addresses, whatever the host's name resolves to elsewhere.

    Raises FetchFailed for a certificate that is not trusted, FetchBrokeOff when the connection is interrupted.
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
        reason = redact(str(error)) or type(error).__name__  # some of aiohttp's errors repeat the URL
        raise FetchBrokeOff(
            f"The download of {without_secrets(str(url))} was interrupted: {reason}. Check the server and the network, "
            "then try again."
        ) from error


def _answer(url: URL, response: aiohttp.ClientResponse) -> Answer:
    if response.status != 200:
        error = FetchAbsent if response.status in ABSENT else FetchFailed
        raise error(f"{without_secrets(str(url))}: the server answered {response.status} {response.reason}.")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise FetchFailed(
            f"{without_secrets(str(url))}: the server sends it compressed. Configure it to send the file unchanged."
        )
    return Answer(url, response.content_length, response.content)


def _next(url: URL, location: str, settings: Settings) -> URL:
    try:
        return check_url(str(url.join(URL(location))), settings) if location else url
    except ValueError as error:
        raise NotAllowed(f"{without_secrets(str(url))} redirects to something that is not a URL.") from error
    except (InvalidParams, NotAllowed) as error:
        to = without_secrets(location)[:80]
        raise NotAllowed(f"{without_secrets(str(url))} redirects to {to!r}. {error}") from error


def _tls(settings: Settings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        if settings.import_ca_file is not None:
            context.load_verify_locations(settings.import_ca_file)
    except OSError as error:
        raise NotConfigured(
            f"VMKOPS_IMPORT_CA_FILE is {settings.import_ca_file}, which contains no certificates: {error}. Set it to a "
            "PEM file."
        ) from error
    return context
