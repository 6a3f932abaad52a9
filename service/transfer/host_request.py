"""One HTTP request to a host, whose certificate is checked before anything is sent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import aiohttp
from yarl import URL

from service.vsphere.host_tls import HostTls, Pin

CONNECT_SECONDS = 30
READ_AHEAD = 256 << 10
"""Bytes that may be buffered from the network: more of them would only wait in memory for the disk."""
KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 20, "TCP_KEEPCNT": 6}
"""After three minutes without an answer to these probes, a silent connection is broken; a living host answers them."""


@contextlib.asynccontextmanager
async def host_request(
    method: str,
    url: str,
    tls: HostTls,
    *,
    body: Callable[[], AsyncIterator[bytes]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Send a request and yield the answer, whose body may take as long as it takes; redirects are not followed.

    A certificate that the context of `tls` does not trust must match its pin; else CertificateUntrusted is raised, and
    neither `url` nor a byte of `body` has left this machine. Raises what aiohttp raises.
    """
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
    connector = aiohttp.TCPConnector(socket_factory=_watched_socket)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, read_bufsize=READ_AHEAD, auto_decompress=False
    ) as http:

        async def send(check: Any) -> aiohttp.ClientResponse:
            data = body() if body is not None else None
            return await http.request(method, url, data=data, headers=headers, ssl=check, allow_redirects=False)

        try:
            response = await send(tls.context)
        except aiohttp.ClientConnectorCertificateError as error:
            host = URL(url).host or url
            reason = getattr(error.certificate_error, "verify_message", "") or str(error.certificate_error)
            if not tls.pin.algorithm:
                raise tls.untrusted(host, reason) from error
            try:
                response = await send(_Pinned(tls.pin))
            except aiohttp.ServerFingerprintMismatch as mismatch:
                raise tls.untrusted(host, reason) from mismatch
        async with response:
            yield response


class _Pinned(aiohttp.Fingerprint):
    """Compares the certificate right after the handshake. aiohttp's own class takes no SHA-1, which vCenter gives."""

    def __init__(self, pin: Pin) -> None:
        self._pin = pin

    @property
    def fingerprint(self) -> bytes:
        return bytes.fromhex(self._pin.digest)

    def check(self, transport: asyncio.Transport) -> None:
        connection = transport.get_extra_info("ssl_object")
        certificate = connection.getpeercert(binary_form=True) if connection is not None else b""
        if not self._pin.matches(certificate or b""):
            host, port, *_ = transport.get_extra_info("peername")
            raise aiohttp.ServerFingerprintMismatch(self.fingerprint, b"", host, port)


def _watched_socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket that notices a host which has gone away without a word."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if hasattr(socket, name):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return made
