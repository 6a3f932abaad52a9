"""Puts the bot together: Socket Mode and signed HTTP, the commands and buttons behind them, and the job updates."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web
from slack_bolt import BoltResponse
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.buttons import _base as buttons
from bot.commands import _base as commands
from bot.deduplication import Deduplicator
from bot.jobs.confirmations import Confirmations
from bot.jobs.reports import JobReports
from bot.jobs.updates import JobUpdates
from bot.replies import ReplySender
from bot.request import Deps
from bot.settings import BotSettings, SettingError
from bot.socket_mode import SocketModeConnection
from service.api.client import ServiceClient, ServiceError

log = logging.getLogger(__name__)

BAD_TOKEN = {
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "not_allowed_token_type",
}
"""Slack's errors for a token that stays invalid; a retry does not help."""

RIGHTS_SECONDS = 10
"""How long the start waits for the service to describe the token."""
NO_DELEGATION = (
    "the token %r of VMKOPS_TOKEN may not act for Slack users, so host actions, runs and the inventory are refused in "
    "Slack. On the machine of the service, run: vmkops token change %s --delegate"
)

RETRY_SECONDS = (2.0, 5.0, 15.0, 30.0)
"""Seconds before each retry while Slack cannot be reached; the last one is repeated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BotStatus:
    """The bot's connection to Slack, as /healthz and /readyz report it.

    `last_hello` is when Slack was last heard from, in RFC 3339 (UTC); `problem` says why there is no connection.
    """

    connected: bool
    socket_mode: bool
    signed_http: bool
    last_hello: str | None
    problem: str


class Bot:
    """The bot: its connection to Slack and everything behind it. Create it with `start_bot`."""

    def __init__(self, settings: BotSettings, client: ServiceClient) -> None:
        self._settings = settings
        token = settings.bot_token.get_secret_value()
        self._slack = AsyncWebClient(token=token, base_url=settings.api_url)
        self._client = client
        self._updates = JobUpdates(client, AsyncWebClient(token=token, base_url=settings.api_url))
        self._reports = JobReports(client, self._slack)
        self._replies = ReplySender()
        self._deduplicator = Deduplicator()
        self._app: AsyncApp | None = None
        self._socket: SocketModeConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._last_request: datetime | None = None
        self._problem = ""
        self._slack.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))

    @property
    def http_handler(self) -> Callable[[web.Request], Awaitable[web.StreamResponse]] | None:
        """The handler for POST /slack/events; None without SLACK_SIGNING_SECRET."""
        return self._handle_http if self._settings.signing_secret else None

    async def start(self) -> None:
        """Sign in to Slack and listen. Raises SettingError for a token that Slack refuses.

        When Slack cannot be reached, the bot keeps trying in the background and `status` reports the problem.
        """
        try:
            await self._connect()
        except (SlackClientError, aiohttp.ClientError, OSError) as error:
            self._note_unreachable(error)
            self._connecting = asyncio.create_task(self._keep_connecting())

    async def stop(self) -> None:
        """Close the connection, finish the replies in progress, and stop updating job threads."""
        if self._connecting:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._socket:
            await self._socket.close()
        await self._replies.drain()
        await self._updates.stop()
        await self._reports.stop()

    def status(self) -> BotStatus:
        """Whether the bot is connected to Slack, and when Slack was last heard from."""
        times = [self._last_request, self._socket.last_heard if self._socket else None]
        heard = max((time for time in times if time), default=None)
        connected = self._socket.is_open if self._socket else self._app is not None
        return BotStatus(
            connected=connected,
            socket_mode=self._settings.app_token is not None,
            signed_http=self._settings.signing_secret is not None,
            last_hello=heard.isoformat(timespec="seconds") if heard else None,
            problem=self._problem,
        )

    def _make_app(self, identity: AuthorizeResult) -> AsyncApp:
        async def known_identity(**_: Any) -> AuthorizeResult:
            """Without this, Bolt calls auth.test before it acknowledges the first request."""
            return identity

        secret = self._settings.signing_secret
        quiet = logging.getLogger("slack_bolt.vmkops")
        quiet.setLevel(logging.ERROR)  # Bolt warns when SLACK_BOT_TOKEN is in the environment, which is normal here
        app = AsyncApp(
            name="vmkops",
            logger=quiet,
            client=self._slack,
            signing_secret=secret.get_secret_value() if secret else "",
            authorize=known_identity,
        )
        app.use(self._drop_duplicates)
        app.event(re.compile(".*"))(_ignore_event)
        confirmations = Confirmations(self._settings.bot_token.get_secret_value())
        deps = Deps(service=self._client, slack=self._slack, updates=self._updates, confirmations=confirmations)
        for command in commands.find_commands():
            commands.register(app, command, deps, self._replies)
        for button in buttons.find_buttons():
            buttons.register(app, button, deps, self._replies)
        return app

    async def _drop_duplicates(self, body: dict[str, Any], next: Callable[[], Awaitable[Any]]) -> BoltResponse | None:
        self._last_request = datetime.now(UTC)
        if self._deduplicator.is_duplicate(body):
            return BoltResponse(status=200)
        await next()
        return None

    async def _handle_http(self, request: web.Request) -> web.StreamResponse:
        if self._app is None:
            raise web.HTTPServiceUnavailable(text="The bot is not connected to Slack yet.")
        # Anyone can send anything here, so refuse what makes Bolt fail before it checks the signature.
        if not re.fullmatch(r"[0-9]{1,12}", request.headers.get("X-Slack-Request-Timestamp", "0")):
            raise web.HTTPUnauthorized(text="The request is not signed by Slack.")
        try:
            delivery = await to_bolt_request(request)
        except (ValueError, LookupError, RecursionError):
            raise web.HTTPBadRequest(text="The request cannot be read.") from None
        return await to_aiohttp_response(await self._app.async_dispatch(delivery))

    async def _check_rights(self) -> None:
        """Log an error when the token of this bot may not act for people: host actions from Slack are then refused."""
        with contextlib.suppress(ServiceError, TimeoutError, ValueError):  # a service that is away, or too old to know
            async with asyncio.timeout(RIGHTS_SECONDS):
                rights = await self._client.get("/tokens/current")
            if isinstance(rights, dict) and rights.get("delegate") is False:
                log.error(NO_DELEGATION, rights.get("name"), rights.get("name"))

    async def _connect(self) -> None:
        token = self._settings.bot_token.get_secret_value()
        try:
            who = await self._slack.auth_test()
        except SlackApiError as error:
            raise _as_settings_error(error, "SLACK_BOT_TOKEN") from error
        identity = AuthorizeResult.from_auth_test_response(auth_test_response=who, bot_token=token)
        app = self._make_app(identity)
        if app_token := self._settings.app_token:
            try:
                opened = await self._slack.apps_connections_open(app_token=app_token.get_secret_value())
            except SlackApiError as error:
                raise _as_settings_error(error, "SLACK_APP_TOKEN") from error
            self._socket = SocketModeConnection(app, app_token.get_secret_value(), str(opened["url"]))
            await self._socket.open()
        self._app, self._problem = app, ""
        self._updates.start()
        self._reports.start()
        log.info("slack connected", extra={"team": who.get("team"), "bot": who.get("user_id")})
        await self._check_rights()

    async def _keep_connecting(self) -> None:
        pauses = list(RETRY_SECONDS)
        while True:
            await asyncio.sleep(pauses.pop(0) if len(pauses) > 1 else pauses[0])
            try:
                await self._connect()
                return
            except SettingError as error:
                self._problem = str(error)
                log.error("slack refused: %s", error)
                return
            except (SlackClientError, aiohttp.ClientError, OSError) as error:
                self._note_unreachable(error)

    def _note_unreachable(self, error: Exception) -> None:
        self._problem = (
            f"Slack does not answer at {self._settings.api_url} ({type(error).__name__}). The bot keeps trying. "
            "If this persists, check SLACK_API_URL and the connection to the internet."
        )
        log.warning("slack unreachable: %s", self._problem)


def start_bot(settings: BotSettings, client: ServiceClient) -> Bot:
    """A bot with these settings that calls this service. Call its `start` and, at the end, its `stop`."""
    return Bot(settings, client)


def _as_settings_error(error: SlackApiError, setting: str) -> Exception:
    """The SettingError that says how to correct the token, or the error itself when the token is not the cause."""
    code = str(error.response.get("error", ""))
    if code in BAD_TOKEN:
        return SettingError(setting, f"is refused by Slack ({code}). Copy it again from the pages of the Slack app.")
    if code == "missing_scope":
        scope = error.response.get("needed", "connections:write")
        return SettingError(setting, f"is missing the scope {scope}. Add the scope, then install the app again.")
    return error


async def _ignore_event() -> None:
    """Acknowledge an event that the app does not subscribe to; Slack sends an unacknowledged event again."""
