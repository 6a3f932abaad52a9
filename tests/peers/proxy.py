"""Stands between a client and the simulator and harms what passes; knows of HTTP where a body begins, and no more.

It opens TLS with the simulator's own certificate, so a client that trusts the simulator trusts it, and its lease URLs
lead through it. Not the simulator but the wire goes wrong here, for SOAP calls and disks alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for

PIECE = 1 << 16
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Harm:
    """What is to happen to so many bodies of requests to a path, or of their answers."""

    path: str
    says: bytes
    upload: bool
    cut_after: int | None
    stall_after: int | None
    corrupt_at: int | None
    count: int


class Proxy:
    """A context manager; `url` is the vCenter's address through it."""

    def __init__(self, vcsim: Vcsim) -> None:
        self._vcsim = vcsim
        self._harms: list[Harm] = []
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self.harmed = 0
        """How many bodies were harmed."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._healed = self._do(self._event())
        self.plug_in()
        self._vcsim.nfc(url_host=f"127.0.0.1:{self._port}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unplug()
        wait_for(lambda: not self._open, what="the end of the proxy's connections")
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """Of the SDK, through the proxy."""
        return f"https://127.0.0.1:{self._port}/sdk"

    def harm(
        self,
        *,
        path: str = "/nfc/",
        says: str = "",
        upload: bool = False,
        cut_after: int | None = None,
        stall_after: int | None = None,
        corrupt_at: int | None = None,
        count: int = 1,
    ) -> None:
        """Harm the next `count` answers to requests whose path begins so, or (`upload`) those requests themselves.

        `says` limits it to requests with these words in a small body, such as a SOAP method. Of the body, the
        connection is cut after so many bytes, or nothing more comes until `heal`, or the byte at this place is flipped.
        """
        self._harms.append(Harm(path, says.encode(), upload, cut_after, stall_after, corrupt_at, count))

    def heal(self) -> None:
        """Harm nothing more, and let go what is stalled."""
        self._harms.clear()
        self._do(self._release())

    def unplug(self) -> None:
        """Break every connection and refuse new ones."""
        self._do(self._close())

    def plug_in(self) -> None:
        """Take connections, on the same port as before."""
        self._do(self._listen())

    async def _event(self) -> asyncio.Event:
        return asyncio.Event()

    async def _release(self) -> None:
        self._healed.set()
        self._healed.clear()

    async def _listen(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._vcsim.server_file)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, ssl=context, limit=PIECE)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._open:
            writer.transport.abort()
        self._healed.set()
        self._healed.clear()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        upstream: asyncio.StreamWriter | None = None
        with contextlib.suppress(OSError, EOFError):  # whoever breaks it, that is what this is for
            context = ssl.create_default_context(cafile=str(self._vcsim.ca_file))
            answers, upstream = await asyncio.open_connection(
                self._vcsim.host, self._vcsim.port, ssl=context, limit=PIECE
            )
            self._open.add(upstream)
            while await self._exchange((reader, writer), (answers, upstream)):
                pass
        for end in filter(None, (writer, upstream)):
            end.transport.abort()
            self._open.discard(end)

    async def _exchange(self, client: Streams, server: Streams) -> bool:
        """Pass one request and its answer on; says whether another may follow."""
        request = await client[0].readuntil(b"\r\n\r\n")
        asked = _headers(request)
        body = b""
        if (length := int(asked.get("content-length", 0))) <= PIECE:
            body = await client[0].readexactly(length)
        harm = self._take(request.split(b" ")[1].decode(), body)
        up, down = (harm, None) if harm is not None and harm.upload else (None, harm)
        server[1].write(request + body)
        if length > PIECE:
            await self._pass(client, server, asked, up)
        await server[1].drain()
        answer = await server[0].readuntil(b"\r\n\r\n")
        client[1].write(answer)
        await self._pass(server, client, _headers(answer), down)
        await client[1].drain()
        return "close" not in (asked.get("connection"), _headers(answer).get("connection"))

    def _take(self, path: str, body: bytes) -> Harm | None:
        for harm in self._harms:
            if harm.count > 0 and path.startswith(harm.path) and harm.says in body:
                harm.count -= 1
                self.harmed += 1
                return harm
        return None

    async def _pass(self, source: Streams, target: Streams, headers: dict[str, str], harm: Harm | None) -> None:
        """Pass a body on, as its headers say how long it is."""
        passed = 0

        async def some(length: int) -> None:
            nonlocal passed
            while length:
                piece = bytearray(await source[0].read(min(length, PIECE)))
                if not piece:
                    raise EOFError
                length -= len(piece)
                await self._send(piece, passed, target[1], harm)
                passed += len(piece)

        if headers.get("transfer-encoding") == "chunked":
            await _chunks(source[0], target[1], some)
        else:
            await some(int(headers.get("content-length", 0)))

    async def _send(self, piece: bytearray, before: int, target: asyncio.StreamWriter, harm: Harm | None) -> None:
        """Send a piece of a body that has `before` bytes before it."""
        if harm is not None and harm.corrupt_at is not None and 0 <= harm.corrupt_at - before < len(piece):
            piece[harm.corrupt_at - before] ^= 0xFF
        for limit in (harm.cut_after, harm.stall_after) if harm is not None else ():
            if limit is not None and limit < before + len(piece):
                target.write(bytes(piece[: max(0, limit - before)]))
                await target.drain()
                if harm is not None and limit == harm.cut_after:
                    raise EOFError
                await self._healed.wait()
                piece = piece[max(0, limit - before) :]
        target.write(bytes(piece))
        await target.drain()


async def _chunks(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, some: Callable[[int], Awaitable[None]]
) -> None:
    while True:
        line = await source.readuntil(b"\r\n")
        target.write(line)
        size = int(line.partition(b";")[0], 16)
        await some(size)
        target.write(await source.readuntil(b"\r\n"))
        if size == 0:
            return


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    fields = (line.partition(":") for line in lines if line)
    return {name.lower(): value.strip().lower() for name, _, value in fields}
