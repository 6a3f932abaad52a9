"""Socket Mode: the WebSocket connection that the bot opens to Slack and keeps open."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp

log = logging.getLogger(__name__)

FIRST_CONNECTION_SECONDS = 10.0
"""How long `open` waits for the first connection."""

CHECK_SECONDS = 30.0
"""Time between two checks that the connection is open."""


class SocketModeConnection:
    """One Socket Mode connection. Create it inside a running event loop."""

    def __init__(self, app: AsyncApp, app_token: str, url: str) -> None:
        self._handler = AsyncSocketModeHandler(app, app_token, logger=log)
        self._handler.client.wss_uri = url
        self._handler.client.message_listeners.append(self._note_frame)
        self._tasks: list[asyncio.Task[None]] = []
        self.last_heard: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether the connection is open now."""
        session = self._handler.client.current_session
        return session is not None and not session.closed

    async def open(self) -> None:
        """Connect and stay connected.

        Returns when the connection is open, or after FIRST_CONNECTION_SECONDS while the attempts continue.
        """
        connecting = asyncio.create_task(self._handler.connect_async())  # type: ignore[no-untyped-call]
        self._tasks = [connecting, asyncio.create_task(self._refresh_address())]
        await asyncio.wait({connecting}, timeout=FIRST_CONNECTION_SECONDS)

    async def close(self) -> None:
        """Close the connection for good."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._handler.close_async()  # type: ignore[no-untyped-call]

    async def _refresh_address(self) -> None:
        """While there is no connection, make the next attempt ask Slack for a new address.

        An address is valid for seconds only, and the SDK reuses the first one when the connection itself fails.
        """
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if not self.is_open:
                log.warning("socket is not open; asking Slack for a new address")
                self._handler.client.wss_uri = None

    async def _note_frame(self, _client: object, _message: dict[str, Any], _raw: str | None) -> None:
        """Take every frame as a sign of life; the first is Slack's `hello`."""
        self.last_heard = datetime.now(UTC)
