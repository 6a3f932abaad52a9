"""A Slack workspace for a test: people type commands and press buttons, and what the bot says can be read.

README.md beside this file lists the methods, and how local-slack differs from Slack.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import tempfile
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import aiohttp

from tests.peers.fetch import obtain
from tests.peers.process import PeerProcess
from tests.peers.slack_door import SHORTCUT_COMMAND, Door, Failure, Shortcut
from tests.peers.waiting import wait_for

Found = TypeVar("Found")

OPERATOR = "U0OPERATOR"
APPROVER = "U0APPROVER"
VISITOR = "U0VISITOR"
ONCALL = "C0ONCALL"
ALERTS = "C0ALERTS"
BOT_USER = "U0VMKOPS"
APP = "A0VMKOPS"
TEAM = "T0VMKOPS"
PEOPLE = {OPERATOR: ("olga", "Olga Operator"), APPROVER: ("anton", "Anton Approver"), VISITOR: ("vera", "Vera Visitor")}
CHANNELS = {ONCALL: "on-call", ALERTS: "alerts"}


class LocalSlack:
    """A workspace with three people, two channels and one app; every method blocks until it is done.

    `mode` is how the app is reached: over Socket Mode, or by signed HTTP at `request_url`. `commands` are the slash
    commands that the app has registered, None for any, and `events` the events it has subscribed to. Ports of 0 are
    free ones.
    """

    def __init__(
        self,
        *,
        mode: Literal["socket", "http"] = "socket",
        request_url: str | None = None,
        commands: Sequence[str] | None = None,
        events: Sequence[str] = ("app_home_opened", "app_mention"),
        port: int = 0,
        api_port: int = 0,
    ) -> None:
        self.mode, self.commands = mode, commands
        self.port, self.api_port = port, api_port
        self.bot_token = f"xoxb-{secrets.token_hex(12)}"
        self.app_token = f"xapp-1-{APP}-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self._view_errors: dict[str, str] = {}
        self.door = Door(
            bot_token=self.bot_token,
            app_token=self.app_token,
            signing_secret=self.signing_secret,
            events=frozenset(events),
            request_url=request_url,
        )

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="local-slack-")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="slack-door", daemon=True)
        self._thread.start()
        door_port = self._in_loop(self.door.start(self.api_port))
        config = Path(self._folder.name) / "workspace.json"
        config.write_text(json.dumps(self._workspace(f"http://127.0.0.1:{door_port}/events")))
        self._process = PeerProcess(
            [str(obtain("local-slack")), "--config", str(config), "--port", str(self.port), "--base-host", "127.0.0.1"]
        )
        line = self._process.line_with("Control API")
        self.ui_url = line.split()[-1].removesuffix("/_control")
        self.door.upstream = self.ui_url
        self.api_url = f"{self.door.address}/api/"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._in_loop(self.door.stop())
        self._process.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._folder.cleanup()

    @property
    def request_url(self) -> str | None:
        """Where the bot takes signed requests; may be set when the bot knows its port."""
        return self.door.request_url

    @request_url.setter
    def request_url(self, url: str) -> None:
        self.door.request_url = url

    # What people do

    def command(self, user: str, channel: str, command: str, text: str = "") -> bool:
        """Type a slash command; True when the bot acknowledged it, False when it did not within 5 s."""
        if self.commands is not None and command not in self.commands:
            raise ValueError(f"{command} is not a valid command; the app has {', '.join(self.commands)}")
        return self._acknowledged("slash_commands", "command", channel=channel, user=user, command=command, text=text)

    def message(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> dict[str, Any]:
        """Write a message, in a thread if one is named, and return it."""
        sent = self._control("message", channel=channel, user=user, text=text, thread_ts=thread_ts)
        message: dict[str, Any] = sent["message"]
        return message

    def click(self, user: str, message: dict[str, Any], action_id: str, value: str | None = None) -> bool:
        """Press a button of a message, or choose the option with that value; True when the bot acknowledged it.

        KeyError when the message has nothing to press of that name, as nobody can press what is gone.
        """
        block_id, element = find_element(message, action_id, value)
        action = {"type": element["type"], "action_id": action_id, "block_id": block_id}
        if "options" in element:
            action["selected_option"] = next(one for one in element["options"] if one["value"] == value)
        else:
            action["value"], action["text"] = element.get("value"), element.get("text")
        return self._acknowledged(
            "interactive", "interact", channel=message["channel"], messageTs=message["ts"], user=user, action=action
        )

    def shortcut(self, user: str, message: dict[str, Any], callback_id: str) -> bool:
        """Use a message shortcut; True when the bot acknowledged it, False when it did not within 5 s."""
        payload = {"callback_id": callback_id, "message": message, "message_ts": message["ts"]}

        async def place() -> asyncio.Future[bool]:
            self.door.shortcut = Shortcut(payload, asyncio.get_running_loop().create_future())
            return self.door.shortcut.outcome

        async def outcome(future: asyncio.Future[bool]) -> bool:
            try:
                async with asyncio.timeout(5):
                    return await future
            except TimeoutError:
                return False

        future = self._in_loop(place())
        self._control("command", channel=message["channel"], user=user, command=SHORTCUT_COMMAND)
        return self._in_loop(outcome(future))

    def submit_view(self, user: str, values: dict[str, dict[str, Any]]) -> None:
        """Send the open dialog; `values` is `{block_id: {action_id: {"type": ..., "value": ...}}}`."""
        self._in_loop(self._tell_page({"t": "view_submit", "user": user, "values": values}))

    def close_view(self, user: str) -> None:
        """Close the open dialog."""
        self._in_loop(self._tell_page({"t": "view_close", "user": user}))

    def open_home(self, user: str) -> None:
        """Open the app's home tab."""
        self._control("open-home", user=user)

    # What is to be seen

    def messages(self, channel: str, thread_ts: str | None = None) -> list[dict[str, Any]]:
        """A channel's messages, oldest first, with private ones and replies; with `thread_ts` only that thread's."""
        found: list[dict[str, Any]] = self._control(f"messages/{channel}")["messages"]
        return [one for one in found if thread_ts is None or thread_ts in (one["ts"], one.get("thread_ts"))]

    def modal(self) -> dict[str, Any] | None:
        """The open dialog, or None."""
        stack = self._in_loop(self._page())["modalStack"]
        return stack[-1] if stack else None

    def view_errors(self) -> dict[str, str]:
        """What the bot said against the last dialog sent, by block."""
        return self._view_errors

    def home(self, user: str) -> dict[str, Any] | None:
        """What the bot shows in a person's home tab, or None."""
        views: dict[str, Any] = self._in_loop(self._page())["homeViews"].get(user, {})
        return views.get(APP)

    def log(self) -> list[dict[str, Any]]:
        """The last 1,000 things that went between the bot and Slack."""
        found: list[dict[str, Any]] = self._control("log")["log"]
        return found

    def calls(self, method: str) -> list[dict[str, Any]]:
        """The arguments of each call that the bot made of a Web API method and Slack did not refuse."""
        return [one["detail"] for one in self.log() if one["kind"] == "web_api" and one["summary"] == method]

    def deliveries(self, kind: str | None = None) -> list[dict[str, Any]]:
        """What was sent to the bot: `{kind, payload, acknowledged, seconds}`, kind one of `slash_commands`,
        `interactive`, `events_api`; `seconds` until the acknowledgement, or None."""
        return [one for one in list(self.door.deliveries) if kind in (None, one["kind"])]

    def connected(self) -> bool:
        """Whether a bot holds a Socket Mode connection."""
        return bool(self.door.lines)

    # What goes wrong

    def fail_next(
        self, method: str, *, error: str = "ratelimited", retry_after: int | None = None, count: int = 1
    ) -> None:
        """Let the next `count` calls of a Web API method fail: with 429 when `retry_after` seconds are given."""
        self.door.failures[method] = Failure(error, retry_after, count)

    def repeat_next(self, kind: str) -> None:
        """Deliver the next thing of a kind (see `deliveries`) twice, as Slack does when it believes the first lost."""
        self.door.repeats.add(kind)

    def drop_connections(self) -> None:
        """Break the Socket Mode connections."""
        self._in_loop(self.door.drop_connections())

    # Waiting

    def wait_for(self, predicate: Callable[[], Found | None], *, timeout: float = 10.0, what: str = "") -> Found:
        """Ask until the answer is true and return it; TimeoutError shows the last of the log."""
        return wait_for(predicate, timeout=timeout, what=what, explain=self._last_of_log)

    def wait_connected(self, timeout: float = 10.0) -> None:
        """Wait until a bot holds a Socket Mode connection."""
        self.wait_for(self.connected, timeout=timeout, what="a bot that connects")

    def _last_of_log(self) -> str:
        lines = []
        for one in self.log()[-8:]:
            detail = json.dumps(one.get("detail"))[:300]
            lines.append(f"{one['direction']} {one['kind']} {one['summary']} {detail}")
        return "\n".join(lines)

    # How it is done

    def _workspace(self, events_url: str) -> dict[str, Any]:
        app = {
            "appId": APP,
            "botUserId": BOT_USER,
            "botName": "vmkops",
            "botToken": self.bot_token,
            "appToken": self.app_token,
            "signingSecret": self.signing_secret,
            "mode": "socket" if self.mode == "socket" else "events",
        }
        if self.mode == "http":
            app["requestUrl"] = events_url
        members = [*PEOPLE, BOT_USER]
        return {
            "workspace": {"name": "On call", "domain": "on-call", "teamId": TEAM},
            "apps": [app],
            "users": [
                {"id": user, "name": name, "real_name": full, "email": f"{name}@example.org"}
                for user, (name, full) in PEOPLE.items()
            ],
            "channels": [{"id": channel, "name": name, "members": members} for channel, name in CHANNELS.items()],
        }

    def _acknowledged(self, kind: str, path: str, **body: Any) -> bool:
        before = len(self.deliveries(kind))
        self._control(path, **body)
        new = self.deliveries(kind)[before:]
        return bool(new) and all(one["acknowledged"] for one in new)

    def _control(self, path: str, **body: Any) -> dict[str, Any]:
        data = json.dumps({key: value for key, value in body.items() if value is not None}).encode() if body else None
        address = f"{self.ui_url}/_control/{urllib.parse.quote(path)}"
        request = urllib.request.Request(address, data=data, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def _in_loop(self, work: Coroutine[Any, Any, Found]) -> Found:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    async def _page(self) -> dict[str, Any]:
        async with self.door.session.ws_connect(f"{self.ui_url}/ui") as page:
            state: dict[str, Any] = (await page.receive_json())["state"]
            return state

    async def _tell_page(self, message: dict[str, Any]) -> None:
        """Do what a person does on the page, and wait until the dialog has changed or was refused."""
        self._view_errors = {}
        async with self.door.session.ws_connect(f"{self.ui_url}/ui") as page:
            await page.receive_json()
            await page.send_json(message)
            async for answer in page:
                if answer.type is not aiohttp.WSMsgType.TEXT:
                    break
                said = json.loads(answer.data)
                if said["t"] == "view_errors":
                    self._view_errors = said["errors"]
                if said["t"] in ("view", "view_errors"):
                    break


def find_element(message: dict[str, Any], action_id: str, value: str | None) -> tuple[str, dict[str, Any]]:
    """Find what can be pressed in a message: its block's id and the element; KeyError when it is not there."""
    for index, block in enumerate(message.get("blocks") or []):
        for element in [*(block.get("elements") or []), block.get("accessory") or {}]:
            same_value = value is None or "options" in element or element.get("value") == value
            if element.get("action_id") == action_id and same_value:
                return block.get("block_id") or f"b{index}", element
    raise KeyError(f"the message has nothing to press called {action_id!r}: {message.get('blocks')}")
