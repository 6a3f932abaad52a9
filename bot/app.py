"""Puts the bot together: Slack's two ways in, the commands and buttons behind them, and the follower of jobs."""

from __future__ import annotations

import asyncio
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

from bot.answering import Answers
from bot.commands import _base as commands
from bot.following import Following
from bot.interactive import _base as buttons
from bot.repeats import Repeats
from bot.settings import BotSettings, SettingError
from bot.socket import Socket
from service.api.client import ServiceClient

log = logging.getLogger(__name__)

BAD_TOKEN = {
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "not_allowed_token_type",
}
"""Slack's words for a token that will not get better by waiting."""

TRY_AGAIN = (2.0, 5.0, 15.0, 30.0)
"""Seconds until the next try while Slack cannot be reached; the last is repeated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BotStatus:
    """How the bot stands with Slack, for /healthz and `vmkops doctor`."""

    connected: bool
    socket_mode: bool
    signed_http: bool
    last_hello: str | None
    problem: str


class Bot:
    """The running bot; made by `start_bot`."""

    def __init__(self, settings: BotSettings, client: ServiceClient) -> None:
        self._settings = settings
        token = settings.bot_token.get_secret_value()
        self._slack = AsyncWebClient(token=token, base_url=settings.api_url)
        self._client = client
        self._following = Following(client, AsyncWebClient(token=token, base_url=settings.api_url))
        self._answers = Answers()
        self._repeats = Repeats()
        self._app: AsyncApp | None = None
        self._socket: Socket | None = None
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

        When Slack cannot be reached the start goes on in the background, and `status` says so.
        """
        try:
            await self._connect()
        except (SlackClientError, aiohttp.ClientError, OSError) as error:
            self._unreachable(error)
            self._connecting = asyncio.create_task(self._connect_later())

    async def stop(self) -> None:
        """Close the connection, let the answers under way finish, and stop following jobs."""
        if self._connecting:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._socket:
            await self._socket.close()
        await self._answers.finish()
        await self._following.stop()

    def status(self) -> BotStatus:
        """Whether Slack is there, and when it was last heard."""
        signs = [self._last_request, self._socket.last_heard if self._socket else None]
        heard = max((sign for sign in signs if sign), default=None)
        reached = self._socket.is_open if self._socket else self._app is not None
        return BotStatus(
            connected=reached,
            socket_mode=self._settings.app_token is not None,
            signed_http=self._settings.signing_secret is not None,
            last_hello=heard.isoformat(timespec="seconds") if heard else None,
            problem=self._problem,
        )

    def _make_app(self, identity: AuthorizeResult) -> AsyncApp:
        async def known_identity(**_: Any) -> AuthorizeResult:
            """Bolt's own way would ask Slack who we are before it acknowledges the first request."""
            return identity

        secret = self._settings.signing_secret
        quiet = logging.getLogger("slack_bolt.vmkops")
        quiet.setLevel(logging.ERROR)  # it would warn of SLACK_BOT_TOKEN in the environment, which is as it should be
        app = AsyncApp(
            name="vmkops",
            logger=quiet,
            client=self._slack,
            signing_secret=secret.get_secret_value() if secret else "",
            authorize=known_identity,
        )
        app.use(self._drop_repeats)
        app.event(re.compile(".*"))(_nothing)
        desk = commands.Desk(service=self._client, slack=self._slack, following=self._following)
        for command in commands.find_commands():
            commands.listen(app, command, desk, self._answers)
        for button in buttons.find_buttons():
            buttons.listen(app, button, desk, self._answers)
        return app

    async def _drop_repeats(self, body: dict[str, Any], next: Callable[[], Awaitable[Any]]) -> BoltResponse | None:
        self._last_request = datetime.now(UTC)
        if self._repeats.seen(body):
            return BoltResponse(status=200)
        await next()
        return None

    async def _handle_http(self, request: web.Request) -> web.StreamResponse:
        if self._app is None:
            raise web.HTTPServiceUnavailable(text="The bot has not reached Slack yet.")
        # Anybody may send anything here: what Bolt would stumble over before it checks the signature goes no further.
        if not re.fullmatch(r"[0-9]{1,12}", request.headers.get("X-Slack-Request-Timestamp", "0")):
            raise web.HTTPUnauthorized(text="Not signed by Slack.")
        try:
            delivery = await to_bolt_request(request)
        except (ValueError, LookupError, RecursionError):
            raise web.HTTPBadRequest(text="Not readable.") from None
        return await to_aiohttp_response(await self._app.async_dispatch(delivery))

    async def _connect(self) -> None:
        token = self._settings.bot_token.get_secret_value()
        try:
            who = await self._slack.auth_test()
        except SlackApiError as error:
            raise self._explained(error, "SLACK_BOT_TOKEN") from error
        identity = AuthorizeResult.from_auth_test_response(auth_test_response=who, bot_token=token)
        app = self._make_app(identity)
        if app_token := self._settings.app_token:
            try:
                opened = await self._slack.apps_connections_open(app_token=app_token.get_secret_value())
            except SlackApiError as error:
                raise self._explained(error, "SLACK_APP_TOKEN") from error
            self._socket = Socket(app, app_token.get_secret_value(), str(opened["url"]))
            await self._socket.open()
        self._app, self._problem = app, ""
        self._following.start()
        log.info("slack connected team=%s bot=%s", who.get("team"), who.get("user_id"))

    async def _connect_later(self) -> None:
        pauses = list(TRY_AGAIN)
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
                self._unreachable(error)

    def _unreachable(self, error: Exception) -> None:
        self._problem = (
            f"Slack does not answer at {self._settings.api_url} ({type(error).__name__}); trying again. "
            "If this lasts, check SLACK_API_URL and the way out to the internet."
        )
        log.warning("slack unreachable: %s", self._problem)

    def _explained(self, error: SlackApiError, setting: str) -> Exception:
        code = str(error.response.get("error", ""))
        if code in BAD_TOKEN:
            return SettingError(setting, f"is refused by Slack ({code}). Copy it again from the app's pages.")
        if code == "missing_scope":
            scope = error.response.get("needed", "connections:write")
            return SettingError(setting, f"lacks the scope {scope}. Add it to the app, and install the app again.")
        return error


async def _nothing() -> None:
    """No event is subscribed to; one that comes all the same is acknowledged, or Slack would send it again."""


def start_bot(settings: BotSettings, client: ServiceClient) -> Bot:
    """A bot for these settings that asks this service; call its `start` and, at the end, its `stop`."""
    return Bot(settings, client)
