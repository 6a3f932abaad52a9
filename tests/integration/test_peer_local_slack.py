"""The local Slack does what the other tests ask of it, over Socket Mode and over signed HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.peers import fetch
from tests.peers.chromium import screenshot
from tests.peers.local_slack import ALERTS, ONCALL, OPERATOR, VISITOR, LocalSlack


def bot_on(slack: LocalSlack) -> AsyncApp:
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    bot = AsyncApp(client=client, signing_secret=slack.signing_secret)

    @bot.command("/echo")
    async def echo(ack: Any, command: dict[str, str], respond: Any) -> None:
        await ack()
        button = {"type": "button", "action_id": "go", "value": "7", "text": {"type": "plain_text", "text": "Go"}}
        text = {"type": "mrkdwn", "text": command["text"]}
        await respond(text=command["text"], blocks=[{"type": "section", "text": text, "accessory": button}])

    @bot.action("go")
    async def go(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        element = {"type": "plain_text_input", "action_id": "name"}
        label = {"type": "plain_text", "text": "Name"}
        await client.views_open(
            trigger_id=body["trigger_id"],
            view={
                "type": "modal",
                "callback_id": "form",
                "title": {"type": "plain_text", "text": "Form"},
                "submit": {"type": "plain_text", "text": "Send"},
                "blocks": [{"type": "input", "block_id": "who", "label": label, "element": element}],
            },
        )

    @bot.view("form")
    async def form(ack: Any, view: dict[str, Any]) -> None:
        name = view["state"]["values"]["who"]["name"]["value"]
        await (ack() if name else ack(response_action="errors", errors={"who": "a name is needed"}))

    @bot.shortcut("decode")
    async def decode(ack: Any, shortcut: dict[str, Any], respond: Any) -> None:
        await ack()
        await respond(f"decoded {shortcut['message']['text']}")

    return bot


@pytest.fixture
async def socket_bot(local_slack: LocalSlack) -> Any:
    """A bot on the far end of a Socket Mode connection."""
    handler = AsyncSocketModeHandler(bot_on(local_slack), local_slack.app_token)
    await handler.connect_async()
    await asyncio.to_thread(local_slack.wait_connected)
    yield handler
    await handler.close_async()


@pytest.fixture
async def http_bot(local_slack_http: LocalSlack) -> Any:
    """A bot that takes signed requests."""
    server = TestServer(bot_on(local_slack_http).web_app("/slack/events"))
    await server.start_server()
    local_slack_http.request_url = str(server.make_url("/slack/events"))
    yield server
    await server.close()


Talk = Callable[[LocalSlack], None]


async def talk(slack: LocalSlack, conversation: Talk) -> None:
    await asyncio.to_thread(conversation, slack)


def command_and_dialog(slack: LocalSlack) -> None:
    assert slack.command(OPERATOR, ONCALL, "/echo", "0xbad0022")
    (answer,) = slack.wait_for(lambda: slack.messages(ONCALL), what="the answer")
    assert (answer["text"], answer["ephemeral_to"]) == ("0xbad0022", OPERATOR)
    assert slack.click(VISITOR, answer, "go")
    dialog = slack.wait_for(slack.modal, what="the dialog")
    assert dialog["callback_id"] == "form"
    slack.submit_view(VISITOR, {"who": {"name": {"type": "plain_text_input", "value": ""}}})
    assert slack.view_errors() == {"who": "a name is needed"}
    slack.submit_view(VISITOR, {"who": {"name": {"type": "plain_text_input", "value": "vera"}}})
    assert slack.modal() is None


def message_shortcut(slack: LocalSlack) -> None:
    message = slack.message(OPERATOR, ONCALL, "status = 0xbad0022")
    assert slack.shortcut(OPERATOR, message, "decode")
    answer = slack.wait_for(lambda: slack.messages(ONCALL)[1:], what="the answer")[0]
    assert answer["text"] == "decoded status = 0xbad0022"


def repeated_command(slack: LocalSlack) -> None:
    slack.repeat_next("slash_commands")
    slack.command(OPERATOR, ONCALL, "/echo", "twice")
    slack.wait_for(lambda: [one["text"] for one in slack.messages(ONCALL)] == ["twice", "twice"])


@pytest.mark.parametrize("conversation", [command_and_dialog, message_shortcut, repeated_command])
async def test_socket_mode_bot_is_talked_to(
    local_slack: LocalSlack, socket_bot: Awaitable[None], conversation: Talk
) -> None:
    await talk(local_slack, conversation)


@pytest.mark.parametrize("conversation", [command_and_dialog, message_shortcut, repeated_command])
async def test_http_bot_is_talked_to(
    local_slack_http: LocalSlack, http_bot: Awaitable[None], conversation: Talk
) -> None:
    await talk(local_slack_http, conversation)


async def test_bot_comes_back_after_a_lost_connection(local_slack: LocalSlack, socket_bot: Awaitable[None]) -> None:
    await asyncio.to_thread(local_slack.drop_connections)
    await asyncio.to_thread(local_slack.wait_connected, 30)
    assert await asyncio.to_thread(local_slack.command, OPERATOR, ALERTS, "/echo", "back")


async def test_forged_signature_does_not_reach_the_bot(local_slack_http: LocalSlack, http_bot: Awaitable[None]) -> None:
    local_slack_http.door.signing_secret = "forged"
    assert not await asyncio.to_thread(local_slack_http.command, OPERATOR, ONCALL, "/echo", "x")


async def test_slack_refuses_what_slack_refuses(local_slack: LocalSlack) -> None:
    client = AsyncWebClient(token=local_slack.bot_token, base_url=local_slack.api_url)
    stranger = AsyncWebClient(token="xoxb-stranger", base_url=local_slack.api_url)
    with pytest.raises(SlackApiError, match="invalid_auth"):
        await stranger.auth_test()
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.apps_connections_open(app_token=local_slack.bot_token)
    long = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        await client.chat_postMessage(channel=ONCALL, text="x", blocks=long)
    local_slack.fail_next("chat.postMessage", retry_after=3)
    with pytest.raises(SlackApiError, match="ratelimited") as caught:
        await client.chat_postMessage(channel=ONCALL, text="x")
    assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "3")
    await client.chat_postMessage(channel=ONCALL, text="x")
    assert [call["text"] for call in local_slack.calls("chat.postMessage")] == ["x"]


def test_page_of_local_slack_is_drawn(local_slack: LocalSlack, tmp_path: Path) -> None:
    fetch.require("chromium")
    local_slack.message(OPERATOR, ONCALL, "hello")
    picture = screenshot(local_slack.ui_url, tmp_path / "page.png")
    assert picture.stat().st_size > 10_000
