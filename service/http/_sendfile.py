"""Sends bytes of a disk from its file to the caller without a copy in this process."""

from __future__ import annotations

import asyncio

from aiohttp import web

from service.errors import DiskUnreadable
from service.files.stored import PIECE, Stored
from service.http._server import WRITE_SECONDS


async def send_stored(request: web.Request, response: web.StreamResponse, stored: Stored) -> None:
    """Send them as the next bytes of a response that is prepared and not chunked.

    Closes the connection when the caller reads nothing for WRITE_SECONDS, as the server does for bytes that it writes.
    Raises ConnectionError and DiskUnreadable.
    """
    await response.write(b"")  # the headers, if they are not sent yet
    if stored.disk is None:
        async for piece in stored.pieces():
            await response.write(piece)
        return
    loop, done = asyncio.get_running_loop(), 0
    while done < stored.size:
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError
        count = min(PIECE, stored.size - done)
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                sent = await loop.sendfile(transport, stored.disk, stored.offset + done, count)
        except TimeoutError:
            transport.abort()
            raise ConnectionResetError from None
        if not sent:
            raise DiskUnreadable("The disk has become shorter while it was read.")
        done += sent
