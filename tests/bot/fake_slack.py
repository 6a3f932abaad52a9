"""A fake Slack: a small HTTP server with the Web API methods that the bot calls, and errors on demand.

`tests/integration` uses a local Slack instead; this one runs everywhere and records the time of each call.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_sdk.web.async_client import AsyncWebClient

BOT_TOKEN = "xoxb-fake"


class SlackCall(NamedTuple):
    """One call of the Web API or of a response_url, with the time on the clock."""

    method: str
    arguments: dict[str, Any]
    at: float


class Failure(NamedTuple):
    """An error that the next call of a method gets."""

    error: str
    retry_after: int | None


class FakeSlack:
    """Slack as the bot sees it; `calls` are all calls that it received."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.calls: list[SlackCall] = []
        self._clock = clock
        self._failures: dict[str, list[Failure | None]] = defaultdict(list)
        self._came = asyncio.Condition()
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._method)
        app.router.add_post("/response", self._response)
        self._server = TestServer(app)

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.close()

    @property
    def api_url(self) -> str:
        return str(self._server.make_url("/api/"))

    @property
    def response_url(self) -> str:
        return str(self._server.make_url("/response"))

    @property
    def client(self) -> AsyncWebClient:
        return AsyncWebClient(token=BOT_TOKEN, base_url=self.api_url)

    def fail(self, method: str, error: str, *, times: int = 1, retry_after: int | None = None) -> None:
        """Make the next calls of this method fail."""
        self._failures[method] += [Failure(error, retry_after)] * times

    def pass_then_fail(self, method: str, error: str) -> None:
        """Make the call after the next one fail."""
        self._failures[method] += [None, Failure(error, None)]

    def called(self, method: str) -> list[dict[str, Any]]:
        """The arguments of every call of this method."""
        return [call.arguments for call in self.calls if call.method == method]

    async def wait_for(self, method: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until the method was called so many times, and return the arguments of all its calls."""
        async with self._came:
            await self._came.wait_for(lambda: len(self.called(method)) >= count)
        return self.called(method)

    async def _method(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        body = await request.json() if request.content_type == "application/json" else await request.post()
        form = {**request.query, **body}
        await self._record(method, form)
        failures = self._failures[method]
        if failure := failures.pop(0) if failures else None:
            if failure.retry_after is not None:
                headers = {"Retry-After": str(failure.retry_after)}
                return web.json_response({"ok": False, "error": failure.error}, status=429, headers=headers)
            return web.json_response({"ok": False, "error": failure.error})
        answer = {"ok": True, "channel": form.get("channel"), "ts": f"{len(self.calls)}.000100"}
        if method == "auth.test":
            answer |= {"team": "Ops", "team_id": "T1", "user_id": "U0BOT", "bot_id": "B0BOT", "url": "https://ops/"}
        if method == "chat.getPermalink":
            answer["permalink"] = f"https://ops/archives/{form.get('channel')}/p{form.get('message_ts')}"
        return web.json_response(answer)

    async def _response(self, request: web.Request) -> web.Response:
        await self._record("response_url", json.loads(await request.text()))
        return web.Response(text="ok")

    async def _record(self, method: str, arguments: dict[str, Any]) -> None:
        async with self._came:
            self.calls.append(SlackCall(method, arguments, self._clock()))
            self._came.notify_all()
