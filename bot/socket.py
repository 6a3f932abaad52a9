"""Socket Mode: the connection that the bot opens to Slack, kept open."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp

log = logging.getLogger(__name__)

FIRST_CONNECTION = 10.0
"""Seconds that a start waits for the connection before it goes on without."""

BETWEEN_CHECKS = 30.0
"""Seconds between two checks that the connection stands."""


class Socket:
    """One Socket Mode connection; made inside a running event loop."""

    def __init__(self, app: AsyncApp, app_token: str, url: str) -> None:
        self._handler = AsyncSocketModeHandler(app, app_token, logger=log)
        self._handler.client.wss_uri = url
        self._handler.client.message_listeners.append(self._hear)
        self._tasks: list[asyncio.Task[None]] = []
        self.last_heard: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether the connection stands now."""
        session = self._handler.client.current_session
        return session is not None and not session.closed

    async def open(self) -> None:
        """Connect and stay connected; returns when it is so, or after a while with the tries going on."""
        connecting = asyncio.create_task(self._handler.connect_async())  # type: ignore[no-untyped-call]
        self._tasks = [connecting, asyncio.create_task(self._keep_fresh())]
        await asyncio.wait({connecting}, timeout=FIRST_CONNECTION)

    async def close(self) -> None:
        """End the connection for good."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._handler.close_async()  # type: ignore[no-untyped-call]

    async def _keep_fresh(self) -> None:
        """While there is no connection, have the next try ask for a new address: Slack's last only for seconds.

        The SDK would use the first address again and again when the connection itself fails.
        """
        while True:
            await asyncio.sleep(BETWEEN_CHECKS)
            if not self.is_open:
                log.warning("socket is not open; asking Slack for a new address")
                self._handler.client.wss_uri = None

    async def _hear(self, _client: object, _message: dict[str, Any], _raw: str | None) -> None:
        """Every frame counts as a sign of life, Slack's `hello` first."""
        self.last_heard = datetime.now(UTC)
