"""Listening: connections with deadlines and a limit on their number, with TLS if it is set up."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import ssl
import sys
import termios
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from service.api.models import Problem
from service.api.settings import Settings
from service.errors import AddressUnavailable, SettingError
from service.figures.collector import Figures
from service.http._browsers import BROWSERS, HEADERS
from service.http._clients import bucket_of, is_local, is_trusted
from service.http._metrics import METRICS, metrics
from service.http._render import render_problem, respond
from service.http._tls import Certificate

log = logging.getLogger(__name__)

LINE_LIMIT = 65536
"""Longest request line in bytes: a long lookup, over aiohttp's limit of 8190, gets a proper answer too."""
SHUTDOWN_SECONDS = 3
"""How long requests under way may take when the service stops."""
HEADER_SECONDS = 15
"""How long a client may take for the request line and the headers."""
IDLE_SECONDS = 75
"""How long a connection without a request stays open; reverse proxies close theirs earlier, after 60 seconds."""
SHARE = 4
"""One address may have one part in so many of all connections."""
LOOK_SECONDS = 1.0
"""How often it is looked whether a client that is slower than its answer still reads."""


class Connections:
    """Counts the open connections, and refuses those that are too many."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: Counter[str] = Counter()
        self._warned_at = float("-inf")

    @property
    def send_seconds(self) -> int:
        """How long a client may read nothing of an answer that waits for it."""
        return self._settings.send_seconds

    def take(self, address: str) -> bool:
        """Count one more connection from this address; False, and not counted, when there are too many."""
        most = self._settings.max_connections
        own = most if not address or is_trusted(address, self._settings.trusted_proxies) else most // SHARE
        site = bucket_of(address)
        if self._open.total() >= most or self._open[site] >= own:
            now = asyncio.get_running_loop().time()
            if now - self._warned_at > 60:
                self._warned_at = now
                log.warning(
                    "connection refused: too many are open", extra={"client": address, "open": self._open.total()}
                )
            return False
        self._open[site] += 1
        return True

    def give_back(self, address: str) -> None:
        """One connection from this address is closed."""
        site = bucket_of(address)
        self._open[site] -= 1
        if self._open[site] <= 0:
            del self._open[site]


class Connection(web.RequestHandler):
    """One connection.

    It is closed when headers take longer than HEADER_SECONDS, or when the client reads nothing of an answer that waits
    for it for as long as VMKOPS_SEND_SECONDS says. A client that reads slowly is not disturbed.
    """

    __slots__ = ("_address", "_connections", "_deadline", "_moved_at", "_stalled", "_taken", "_waits")

    def __init__(self, server: web.Server, connections: Connections, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server,
            loop=loop,
            max_line_size=LINE_LIMIT,
            keepalive_timeout=IDLE_SECONDS,
            access_log=None,  # type: ignore[arg-type]
        )
        self._connections = connections
        self._address = ""
        self._taken = False
        self._deadline: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._waits = 0
        """Bytes that the client has not got yet, at the last look."""
        self._moved_at = 0.0
        """When they became fewer."""

    @property
    def send_seconds(self) -> int:
        """How long the client may read nothing of an answer that waits for it."""
        return self._connections.send_seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or close it when there are too many."""
        peer = transport.get_extra_info("peername")
        self._address = peer[0] if isinstance(peer, tuple) else ""
        self._taken = self._connections.take(self._address)
        super().connection_made(transport)
        if not self._taken:
            self.force_close()
            return
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        """Read on; begin the deadline with the first byte of a request, end it with the last of its headers."""
        super().data_received(data)
        waiter = self._waiter
        if waiter is None or waiter.done():
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
        elif self._deadline is None:
            self._expect_headers()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the place of the connection back."""
        for timer in (self._deadline, self._stalled):
            if timer is not None:
                timer.cancel()
        if self._taken:
            self._taken = False
            self._connections.give_back(self._address)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin the deadline for the client to read on."""
        super().pause_writing()
        if self._stalled is None:
            self._waits, self._moved_at = waiting_bytes(self.transport), self._loop.time()
            self._stalled = self._loop.call_later(LOOK_SECONDS, self._look)

    def resume_writing(self) -> None:
        """End that deadline: the client reads."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a request that is no HTTP, as a problem; one line in the log, as anyone can send such requests.

        aiohttp would log a traceback for each, and answer without our headers.
        """
        if status >= 500:
            return super().handle_error(request, status, exc, message)
        log.info("malformed request", extra={"client": self._address, "error": type(exc).__name__})
        problem = Problem(title="Malformed request", status=status, detail="The request is not valid HTTP.")
        response = respond(*render_problem(problem, "json"), status, HEADERS)
        response.force_close()
        return response

    def _expect_headers(self) -> None:
        self._deadline = self._loop.call_later(HEADER_SECONDS, self._too_slow)

    def _look(self) -> None:
        before, self._waits = self._waits, waiting_bytes(self.transport)
        now = self._loop.time()
        if self._waits < before:
            self._moved_at = now
        if now - self._moved_at < self._connections.send_seconds:
            self._stalled = self._loop.call_later(LOOK_SECONDS, self._look)
        elif self.transport is not None:
            log.info("connection closed: the client reads nothing", extra={"client": self._address})
            self.transport.abort()

    def _too_slow(self) -> None:
        self._deadline = None
        self.force_close()


def waiting_bytes(transport: asyncio.WriteTransport | None) -> int:
    """The bytes that wait here for a client to take them: in this process, and in the kernel on Linux (SIOCOUTQ).

    The kernel takes more from this process only in large pieces, so its part shows sooner that a slow client reads.
    """
    if transport is None:
        return 0
    kernel = bytearray(4)
    with contextlib.suppress(OSError, ValueError, AttributeError):
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, kernel)
    return transport.get_write_buffer_size() + int.from_bytes(kernel, sys.byteorder)


class _Site(web.BaseSite):
    """A listening socket whose connections have deadlines."""

    def __init__(
        self,
        runner: web.AppRunner,
        connections: Connections,
        where: tuple[str, int] | Path,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(runner, ssl_context=tls)
        self._connections = connections
        self._where = where

    @property
    def name(self) -> str:
        """Where it listens, for messages of aiohttp."""
        return str(self._where)

    async def start(self) -> None:
        """Listen; raises OSError."""
        await super().start()
        loop = asyncio.get_running_loop()
        server = self._runner.server
        assert server is not None

        def accepted() -> Connection:
            return Connection(server, self._connections, loop)

        if isinstance(self._where, Path):
            self._server = await loop.create_unix_server(accepted, self._where)
        else:
            self._server = await loop.create_server(accepted, *self._where, ssl=self._ssl_context, backlog=128)


@contextlib.asynccontextmanager
async def listen(
    app: web.Application, settings: Settings, host: str, port: int, socket: Path | None = None
) -> AsyncIterator[str]:
    """Serve the application on a TCP port, and on a Unix socket if one is named, while the block runs; yields its URL.

    Raises AddressUnavailable, for example because the port is taken, and SettingError for a wrong certificate.
    """
    app[BROWSERS].only_known_hosts |= is_local(host)
    tls = Certificate(settings.tls_cert, settings.tls_key).context if settings.tls_cert and settings.tls_key else None
    connections = Connections(settings)
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_SECONDS, handle_signals=False, handler_cancellation=False)
    await runner.setup()
    try:
        try:
            await _Site(runner, connections, (host, port), tls).start()
        except OSError as error:
            raise AddressUnavailable.explain(host, port, error) from error
        address = runner.addresses[0]
        if socket is not None:
            await _Site(runner, connections, socket).start()
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        yield f"{'https' if tls else 'http'}://{shown}:{address[1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def listen_for_metrics(figures: Figures, settings: Settings, host: str) -> AsyncIterator[None]:
    """Answer `/metrics` on the port of VMKOPS_METRICS_PORT, if it is set, while the block runs. Raises SettingError.

    Everybody who reaches the port is answered, so it names VMs only with VMKOPS_METRICS_VM_NAMES.
    """
    port = settings.metrics_port
    if port is None:
        yield
        return

    async def answer(_request: web.Request) -> web.StreamResponse:
        return metrics(figures, vm_names=settings.metrics_vm_names)

    app = web.Application(client_max_size=1024)
    app.router.add_get(METRICS, answer)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, keepalive_timeout=IDLE_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            words = f"{host}:{port} cannot be listened on ({error.strerror}). Choose another port, or leave it out."
            raise SettingError("VMKOPS_METRICS_PORT", words) from error
        yield
    finally:
        await runner.cleanup()
