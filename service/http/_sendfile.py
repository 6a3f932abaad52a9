"""Sends bytes of a disk from its file to the caller without a copy in this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from aiohttp import web

from service.errors import DiskUnreadable
from service.files.stored import PIECE, Stored
from service.http._server import LOOK_SECONDS, Connection, waiting_bytes


async def send_stored(request: web.Request, response: web.StreamResponse, stored: Stored) -> None:
    """Send them as the next bytes of a response that is prepared and not chunked.

    Closes the connection when the caller reads nothing for VMKOPS_SEND_SECONDS, as `Connection` does for bytes that are
    written to it. Bytes that have to be encrypted are written. Raises ConnectionError and DiskUnreadable.
    """
    await response.write(b"")  # the headers, if they are not sent yet
    encrypted = request.transport is not None and request.transport.get_extra_info("sslcontext") is not None
    if stored.disk is None or encrypted:
        async for piece in stored.pieces():
            await response.write(piece)
        return
    connection, loop, done = request.protocol, asyncio.get_running_loop(), 0
    assert isinstance(connection, Connection)
    while done < stored.size:
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError
        count = min(PIECE, stored.size - done)
        try:
            async with asyncio.timeout(connection.send_seconds) as limit:
                with _extended(limit, transport, connection.send_seconds):
                    sent = await loop.sendfile(transport, stored.disk, stored.offset + done, count)
        except TimeoutError:
            transport.abort()
            raise ConnectionResetError from None
        if not sent:
            raise DiskUnreadable("The disk has become shorter while it was read.")
        done += sent


@contextlib.contextmanager
def _extended(limit: asyncio.Timeout, transport: asyncio.WriteTransport, seconds: int) -> Iterator[None]:
    """Move the limit to so many seconds from now whenever the client is seen to read."""
    loop = asyncio.get_running_loop()
    waits = waiting_bytes(transport)
    timer: asyncio.TimerHandle

    def look() -> None:
        nonlocal waits, timer
        before, waits = waits, waiting_bytes(transport)
        if waits < before and not limit.expired():
            limit.reschedule(loop.time() + seconds)
        timer = loop.call_later(LOOK_SECONDS, look)

    timer = loop.call_later(LOOK_SECONDS, look)
    try:
        yield
    finally:
        timer.cancel()
