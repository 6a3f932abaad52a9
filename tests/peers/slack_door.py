"""Stands between a bot and local-slack and adds what Slack does and local-slack does not: refused tokens, limits,
rate limits, repeated deliveries, lost connections, private answers by default, and message shortcuts."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
import urllib.parse
import uuid
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from tests.peers.slack_limits import refusal

SHORTCUT_COMMAND = "/peers-shortcut"
"""Never reaches the bot: it makes local-slack issue a trigger_id and a response_url for a message shortcut."""

APP_TOKEN_METHODS = {"apps.connections.open"}
RESPONSE_URL_USES = 5
ANSWER_SECONDS = 5.0
FORM = "application/x-www-form-urlencoded"


@dataclass
class Failure:
    """How the next calls of a method fail."""

    error: str
    retry_after: int | None
    count: int


@dataclass
class Shortcut:
    """A message shortcut on its way: what it says, and whether the bot acknowledged it."""

    payload: dict[str, Any]
    outcome: asyncio.Future[bool]


@dataclass(eq=False)
class Line:
    """One Socket Mode connection: the bot's end and local-slack's."""

    bot: web.WebSocketResponse
    upstream: aiohttp.ClientWebSocketResponse


@dataclass(kw_only=True)
class Door:
    """The server in front of local-slack, in one event loop. `events` are the types of events that the app gets;
    `request_url` may change at any time."""

    bot_token: str
    app_token: str
    signing_secret: str
    events: frozenset[str]
    request_url: str | None = None
    upstream: str = ""
    failures: dict[str, Failure] = field(default_factory=dict)
    repeats: set[str] = field(default_factory=set)
    shortcut: Shortcut | None = None
    lines: list[Line] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    waiting: dict[str, dict[str, Any]] = field(default_factory=dict)
    own: dict[str, asyncio.Future[bool] | None] = field(default_factory=dict)
    response_urls: dict[str, int] = field(default_factory=dict)

    async def start(self, port: int = 0) -> int:
        """Listen on 127.0.0.1 and return the port."""
        self.session = aiohttp.ClientSession()
        application = web.Application(client_max_size=64 << 20)
        application.router.add_route("*", "/api/{method}", self.web_api)
        application.router.add_get("/socket/{name}", self.socket)
        application.router.add_post("/events", self.http_delivery)
        application.router.add_post("/_hooks/response/{name}", self.response_url)
        self.runner = web.AppRunner(application, shutdown_timeout=1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", port)
        await site.start()
        self.port = int(self.runner.addresses[0][1])
        return self.port

    async def stop(self) -> None:
        """Close everything."""
        await self.drop_connections()
        await self.runner.cleanup()
        await self.session.close()

    @property
    def address(self) -> str:
        """Where the bot finds it."""
        return f"http://127.0.0.1:{self.port}"

    # The Web API

    async def web_api(self, request: web.Request) -> web.Response:
        """Check the token, then limits and failures on demand, then pass the call on."""
        method = request.match_info["method"]
        body = await request.read()
        arguments = read_arguments(request, body)
        wanted = self.app_token if method in APP_TOKEN_METHODS else self.bot_token
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or arguments.get("token", "")
        if method != "api.test" and token != wanted:
            known = token in (self.app_token, self.bot_token)
            error = "not_allowed_token_type" if known else "invalid_auth" if token else "not_authed"
            return web.json_response({"ok": False, "error": error})
        failure = self.failures.get(method)
        if failure is not None and failure.count > 0:
            failure.count -= 1
            limited = failure.retry_after is not None
            return web.json_response(
                {"ok": False, "error": failure.error},
                status=429 if limited else 200,
                headers={"Retry-After": str(failure.retry_after)} if limited else None,
            )
        refused = refusal(method, arguments)
        if refused is not None:
            error, why = refused
            answer = {"ok": False, "error": error, "response_metadata": {"messages": why}}
            return web.json_response(answer)
        async with self.session.request(
            request.method,
            f"{self.upstream}{request.path_qs}",
            data=body,
            headers={key: request.headers[key] for key in ("Authorization", "Content-Type") if key in request.headers},
        ) as answered:
            found = await answered.json(content_type=None)
        if method in APP_TOKEN_METHODS and found.get("ok"):
            name = found["url"].rsplit("/", 1)[1]
            found["url"] = f"ws://127.0.0.1:{self.port}/socket/{name}"
        return web.json_response(found)

    async def response_url(self, request: web.Request) -> web.Response:
        """Pass an answer on, five times at most; one that does not say whom it is for is for the asker alone."""
        name = request.match_info["name"]
        self.response_urls[name] = self.response_urls.get(name, 0) + 1
        if self.response_urls[name] > RESPONSE_URL_USES:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        content = await request.json()
        refused = refusal("response_url", content)
        if refused is not None:
            return web.json_response({"ok": False, "error": refused[0]}, status=400)
        target = f"{self.upstream}/_hooks/response/{name}"
        async with self.session.post(target, json=private_by_default(content)) as answered:
            return web.Response(status=answered.status, text=await answered.text())

    # Socket Mode

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        """Join a bot's connection to one of local-slack's."""
        bot = web.WebSocketResponse(heartbeat=30)
        await bot.prepare(request)
        address = self.upstream.replace("http", "ws", 1) + f"/socket/{request.match_info['name']}"
        async with self.session.ws_connect(address) as upstream:
            line = Line(bot, upstream)
            self.lines.append(line)
            down = asyncio.create_task(self.pump_down(line))
            try:
                async for message in bot:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        await self.from_bot(line, json.loads(message.data))
            finally:
                if line in self.lines:
                    self.lines.remove(line)
                down.cancel()
                await asyncio.gather(down, return_exceptions=True)
        return bot

    async def pump_down(self, line: Line) -> None:
        """Bring what local-slack sends to the bot; end the bot's connection with local-slack's."""
        async for message in line.upstream:
            if message.type is aiohttp.WSMsgType.TEXT:
                await self.to_bot(line, json.loads(message.data))
        await line.bot.close()

    async def to_bot(self, line: Line, envelope: dict[str, Any]) -> None:
        """Deliver an envelope, once or twice, unless it is our own errand."""
        kind, payload = envelope.get("type", ""), envelope.get("payload") or {}
        if payload.get("command") == SHORTCUT_COMMAND:
            await line.upstream.send_json({"envelope_id": envelope["envelope_id"]})
            if self.shortcut is not None:
                shortcut, self.shortcut = self.shortcut, None
                number = str(uuid.uuid4())
                self.own[number] = shortcut.outcome
                await line.bot.send_json(
                    {
                        "envelope_id": number,
                        "type": "interactive",
                        "payload": self.message_action(shortcut, payload),
                        "accepts_response_payload": True,
                    }
                )
            return
        if kind == "events_api" and payload["event"]["type"] not in self.events:
            await line.upstream.send_json({"envelope_id": envelope["envelope_id"]})
            return
        if "envelope_id" in envelope:
            self.own_urls(payload)
            self.note(envelope["envelope_id"], kind, payload)
        await line.bot.send_json(envelope)
        if kind in self.repeats:
            self.repeats.discard(kind)
            again = {**envelope, "envelope_id": str(uuid.uuid4()), "retry_attempt": 1, "retry_reason": "timeout"}
            self.own[again["envelope_id"]] = None
            await line.bot.send_json(again)

    async def from_bot(self, line: Line, answer: dict[str, Any]) -> None:
        """Pass an acknowledgement on, unless it is for an envelope of our own."""
        number = answer.get("envelope_id", "")
        if number in self.own:
            outcome = self.own.pop(number)
            if outcome is not None and not outcome.done():
                outcome.set_result(True)
            return
        self.acknowledged(number)
        if isinstance(answer.get("payload"), dict):
            answer["payload"] = private_by_default(answer["payload"])
        await line.upstream.send_json(answer)

    async def drop_connections(self) -> None:
        """Close all Socket Mode connections without a word."""
        lines, self.lines = self.lines, []
        for line in lines:
            await line.upstream.close()
            await line.bot.close()

    # Signed HTTP

    async def http_delivery(self, request: web.Request) -> web.Response:
        """Pass a signed request of local-slack on to the bot, once or twice, unless it is our own errand."""
        body = await request.read()
        content_type = request.headers["Content-Type"].split(";")[0]
        if content_type == FORM:
            form = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
            payload = json.loads(form["payload"]) if "payload" in form else form
            kind = "interactive" if "payload" in form else "slash_commands"
            if payload.get("command") == SHORTCUT_COMMAND:
                return await self.shortcut_by_http(payload)
            self.own_urls(payload)
            content = {"payload": json.dumps(payload)} if "payload" in form else payload
            body = urllib.parse.urlencode(content).encode()
        else:
            kind, payload = "events_api", json.loads(body)
            if payload["event"]["type"] not in self.events:
                return web.Response(text="")
        number = str(uuid.uuid4())
        self.note(number, kind, payload)
        status, text = await self.post_signed(body, content_type)
        if status == 200:
            self.acknowledged(number)
        if kind in self.repeats:
            self.repeats.discard(kind)
            headers = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
            await self.post_signed(body, content_type, headers)
        return web.Response(status=status, text=private_text(text), content_type="application/json")

    async def shortcut_by_http(self, command: dict[str, Any]) -> web.Response:
        """Turn our own command into the shortcut that it stands for."""
        if self.shortcut is not None:
            shortcut, self.shortcut = self.shortcut, None
            action = json.dumps(self.message_action(shortcut, command))
            status, _ = await self.post_signed(urllib.parse.urlencode({"payload": action}).encode(), FORM)
            shortcut.outcome.set_result(status == 200)
        return web.Response(text="")

    async def post_signed(
        self, body: bytes, content_type: str, headers: dict[str, str] | None = None
    ) -> tuple[int, str]:
        """Send a request to the bot, signed as Slack signs."""
        if self.request_url is None:
            return 503, ""
        moment = str(int(time.time()))
        digest = hmac.new(self.signing_secret.encode(), f"v0:{moment}:".encode() + body, hashlib.sha256)
        signed = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": moment,
            "X-Slack-Signature": f"v0={digest.hexdigest()}",
            **(headers or {}),
        }
        try:
            async with self.session.post(
                self.request_url, data=body, headers=signed, timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)
            ) as answer:
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            return 504, str(error)

    # What was delivered

    def note(self, number: str, kind: str, payload: dict[str, Any]) -> None:
        """Remember a delivery until it is acknowledged."""
        entry = {"kind": kind, "payload": payload, "acknowledged": False, "seconds": None, "at": time.monotonic()}
        self.waiting[number] = entry
        self.deliveries.append(entry)

    def acknowledged(self, number: str) -> None:
        """Note that the bot has acknowledged a delivery."""
        entry = self.waiting.pop(number, None)
        if entry is not None:
            entry["acknowledged"], entry["seconds"] = True, time.monotonic() - entry["at"]

    def own_urls(self, payload: dict[str, Any]) -> None:
        """Let answers to a response_url come through the door."""
        if "response_url" in payload:
            payload["response_url"] = payload["response_url"].replace(self.upstream, self.address)

    def message_action(self, shortcut: Shortcut, command: dict[str, Any]) -> dict[str, Any]:
        """The payload of a message shortcut, with the trigger and the response_url of a command."""
        response = command["response_url"].replace(self.upstream, self.address)
        return {
            "type": "message_action",
            "action_ts": f"{time.time():.6f}",
            "api_app_id": command["api_app_id"],
            "token": command["token"],
            "team": {"id": command["team_id"], "domain": command["team_domain"]},
            "user": {"id": command["user_id"], "name": command["user_name"], "team_id": command["team_id"]},
            "channel": {"id": command["channel_id"], "name": command["channel_name"]},
            "trigger_id": command["trigger_id"],
            "response_url": response,
            "is_enterprise_install": False,
            **shortcut.payload,
        }


def read_arguments(request: web.Request, body: bytes) -> dict[str, Any]:
    """The arguments of a Web API call, from its query and its body; blocks and views as values."""
    arguments: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        arguments |= json.loads(body or b"{}")
    elif request.content_type == FORM:
        arguments |= urllib.parse.parse_qsl(body.decode(), keep_blank_values=True)
    for name in ("blocks", "view"):
        if isinstance(arguments.get(name), str):
            arguments[name] = json.loads(arguments[name] or "null")
    return arguments


def private_by_default(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer as Slack takes it: only the asker sees one that does not say otherwise."""
    shows = answer.get("text") or answer.get("blocks")
    changes = answer.get("replace_original") or answer.get("delete_original") or answer.get("response_action")
    if shows and not changes and "response_type" not in answer:
        return {**answer, "response_type": "ephemeral"}
    return answer


def private_text(text: str) -> str:
    """The body of an HTTP acknowledgement as local-slack can read it: plain text made a private answer."""
    if not text.strip():
        return ""
    try:
        answer = json.loads(text)
    except ValueError:
        answer = {"text": text}
    return json.dumps(private_by_default(answer)) if isinstance(answer, dict) else text
