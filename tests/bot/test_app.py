"""The bot as Slack reaches it: signed requests are acknowledged at once, each is answered once, errors become cards."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from slack_sdk.signature import SignatureVerifier

from bot.app import Bot, start_bot
from bot.settings import BotSettings, SettingError
from service.api.client import Problem, ServiceClient
from tests.bot.examples import BOTH_READINGS, copying
from tests.bot.fake_service import FakeService
from tests.bot.fake_slack import BOT_TOKEN, FakeSlack

SECRET = "signing-secret"
FORM = "application/x-www-form-urlencoded"


def settings_for(slack: FakeSlack, **more: str) -> BotSettings:
    environ = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_SIGNING_SECRET": SECRET, "SLACK_API_URL": slack.api_url, **more}
    settings = BotSettings.from_environment(environ)
    assert settings is not None
    return settings


@pytest.fixture
async def bot(slack: FakeSlack, client: ServiceClient) -> AsyncIterator[Bot]:
    started = start_bot(settings_for(slack), client)
    await started.start()
    yield started
    await started.stop()


@pytest.fixture
async def endpoint(bot: Bot) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """The bot's HTTP endpoint, as Slack reaches it."""
    app = web.Application()
    assert bot.http_handler is not None
    app.router.add_post("/slack/events", bot.http_handler)
    async with TestClient(TestServer(app)) as opened:
        yield opened


class Sender:
    """Sends requests as Slack sends and signs them."""

    def __init__(self, endpoint: TestClient[web.Request, web.Application], slack: FakeSlack) -> None:
        self._endpoint, self._slack = endpoint, slack
        self._number = 0

    async def command(self, command: str, text: str, *, trigger: str = "", secret: str = SECRET) -> int:
        self._number += 1
        body = {
            "command": command,
            "text": text,
            "user_id": "U1",
            "channel_id": "C1",
            "team_id": "T1",
            "trigger_id": trigger or f"1.{self._number}",
            "response_url": self._slack.response_url,
        }
        return await self._send(urlencode(body), FORM, secret)

    async def click(self, action_id: str, value: str) -> int:
        payload = {
            "type": "block_actions",
            "user": {"id": "U2"},
            "channel": {"id": "C1"},
            "team": {"id": "T1"},
            "trigger_id": "2.1",
            "response_url": self._slack.response_url,
            "actions": [{"type": "button", "action_id": action_id, "block_id": "b", "value": value}],
        }
        return await self._send(
            urlencode({"payload": json.dumps(payload)}), "application/x-www-form-urlencoded", SECRET
        )

    async def event(self, event: dict[str, Any]) -> int:
        body = {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": event}
        return await self._send(json.dumps(body), "application/json", SECRET)

    async def _send(self, body: str, kind: str, secret: str) -> int:
        timestamp = str(int(time.time()))
        signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
        headers = {"Content-Type": kind, "X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature or ""}
        return await self.send_raw(body, headers)

    async def send_raw(self, body: str | bytes, headers: dict[str, str]) -> int:
        async with self._endpoint.post("/slack/events", data=body, headers=headers) as response:
            return response.status


@pytest.fixture
def sender(endpoint: TestClient[web.Request, web.Application], slack: FakeSlack) -> Sender:
    return Sender(endpoint, slack)


async def test_signed_command_is_answered_in_the_channel(
    sender: Sender, service: FakeService, slack: FakeSlack
) -> None:
    service.meanings["0xbad0022"] = BOTH_READINGS
    assert await sender.command("/vmkerr", "0xbad0022") == 200
    (answer,) = await slack.wait_for("response_url")
    assert answer["response_type"] == "in_channel"
    assert answer["text"].startswith("0xbad0022: SCSI reservation conflict (ESX 3.5) or Read only")


async def test_command_is_acknowledged_before_the_service_answers(
    sender: Sender, service: FakeService, slack: FakeSlack
) -> None:
    service.meanings["0xbad0022"] = BOTH_READINGS
    service.held = asyncio.Event()
    assert await sender.command("/vmkerr", "0xbad0022") == 200
    assert slack.called("response_url") == []
    service.held.set()
    await slack.wait_for("response_url")


async def test_bot_calls_no_slack_method_before_the_acknowledgement(sender: Sender, slack: FakeSlack) -> None:
    before = len(slack.calls)
    assert await sender.command("/vmkops", "") == 200
    await slack.wait_for("response_url")
    assert [call.method for call in slack.calls[before:]] == ["response_url"]


async def test_wrong_signature_is_refused(sender: Sender, service: FakeService, slack: FakeSlack) -> None:
    assert await sender.command("/vmkerr", "0xbad0022", secret="another") == 401
    assert service.called("/vmkerr") == []


@pytest.mark.parametrize("timestamp", ["", "soon", "1", "-1", "9" * 400])
async def test_invalid_timestamp_is_refused(sender: Sender, timestamp: str) -> None:
    headers = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": "v0=00"}
    assert await sender.send_raw("command=%2Fvmkerr", headers) == 401


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xfe", FORM),
        (b"{", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"payload=%7B", FORM),
        (b"command=x", "text/plain; charset=none-such"),
        (b"", "application/json"),
    ],
)
async def test_unreadable_request_is_refused(sender: Sender, body: bytes, kind: str) -> None:
    assert await sender.send_raw(body, {"Content-Type": kind}) in (400, 401)


async def test_command_that_is_sent_again_is_answered_once(sender: Sender, slack: FakeSlack) -> None:
    assert await sender.command("/vmkops", "", trigger="7.7") == 200
    await slack.wait_for("response_url")
    assert await sender.command("/vmkops", "", trigger="7.7") == 200
    assert await sender.command("/vmkops", "", trigger="7.8") == 200
    await slack.wait_for("response_url", 2)
    assert len(slack.called("response_url")) == 2


async def test_refusal_is_shown_to_the_user_with_a_command_to_type_next(
    sender: Sender, service: FakeService, slack: FakeSlack
) -> None:
    service.refusals["/actions/backup/check"] = Problem(
        title="Not found", status=404, detail="No web-0.", suggestions=["web-01"]
    )
    await sender.command("/backup", "web-0")
    (answer,) = await slack.wait_for("response_url")
    assert answer["response_type"] == "ephemeral"
    assert "No web-0." in answer["text"]
    assert "`/backup web-01`" in json.dumps(answer["blocks"])


async def test_user_learns_how_to_invite_the_bot(sender: Sender, service: FakeService, slack: FakeSlack) -> None:
    service.vms["web-01"] = {"name": "web-01"}
    slack.fail("chat.postMessage", "not_in_channel")
    await sender.command("/backup", "web-01")
    (answer,) = await slack.wait_for("response_url")
    assert "/invite @vmkops" in json.dumps(answer["blocks"])


async def test_click_on_cancel_is_answered_to_the_user_who_clicked(
    sender: Sender, service: FakeService, slack: FakeSlack
) -> None:
    await service.change(copying(1))
    assert await sender.click("job_cancel", "job1") == 200
    (answer,) = await slack.wait_for("response_url")
    assert answer["replace_original"] is False
    assert answer["response_type"] == "ephemeral"
    assert service.called("/jobs/job1/cancel")[0].on_behalf_of == "slack:U2"


async def test_event_without_a_subscription_is_acknowledged(sender: Sender) -> None:
    assert await sender.event({"type": "app_home_opened", "user": "U1"}) == 200


async def test_status_shows_when_slack_was_last_heard(bot: Bot, sender: Sender) -> None:
    assert bot.status().connected
    assert bot.status().last_hello is None
    await sender.command("/vmkops", "")
    assert bot.status().last_hello is not None


async def test_reply_in_progress_is_finished_when_the_bot_stops(
    bot: Bot, sender: Sender, service: FakeService, slack: FakeSlack
) -> None:
    service.meanings["0xbad0022"] = BOTH_READINGS
    service.held = asyncio.Event()
    await sender.command("/vmkerr", "0xbad0022")
    stopping = asyncio.create_task(bot.stop())
    service.held.set()
    await stopping
    assert len(slack.called("response_url")) == 1


@pytest.mark.parametrize(
    ("method", "setting"), [("auth.test", "SLACK_BOT_TOKEN"), ("apps.connections.open", "SLACK_APP_TOKEN")]
)
async def test_token_that_slack_refuses_is_named(
    slack: FakeSlack, client: ServiceClient, method: str, setting: str
) -> None:
    slack.fail(method, "invalid_auth")
    bot = start_bot(settings_for(slack, SLACK_APP_TOKEN="xapp-1"), client)
    with pytest.raises(SettingError, match=r"is refused by Slack \(invalid_auth\)") as refused:
        await bot.start()
    assert refused.value.setting == setting
    await bot.stop()


async def test_missing_scope_is_named(slack: FakeSlack, client: ServiceClient) -> None:
    slack.fail("apps.connections.open", "missing_scope")
    bot = start_bot(settings_for(slack, SLACK_APP_TOKEN="xapp-1"), client)
    with pytest.raises(SettingError, match="is missing the scope connections:write"):
        await bot.start()
    await bot.stop()


async def test_bot_starts_without_slack_and_reports_it(slack: FakeSlack, client: ServiceClient) -> None:
    settings = settings_for(slack).model_copy(update={"api_url": "http://127.0.0.1:9/api/"})
    bot = start_bot(settings, client)
    await bot.start()
    assert not bot.status().connected
    assert "Slack does not answer at http://127.0.0.1:9/api/" in bot.status().problem
    await bot.stop()


async def test_requests_are_refused_until_the_bot_is_connected(slack: FakeSlack, client: ServiceClient) -> None:
    bot = start_bot(settings_for(slack), client)
    app = web.Application()
    assert bot.http_handler is not None
    app.router.add_post("/slack/events", bot.http_handler)
    async with TestClient(TestServer(app)) as endpoint:
        assert await Sender(endpoint, slack).command("/vmkops", "") == 503


async def test_without_a_signing_secret_there_is_no_endpoint(slack: FakeSlack, client: ServiceClient) -> None:
    environ = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": "xapp-1", "SLACK_API_URL": slack.api_url}
    settings = BotSettings.from_environment(environ)
    assert settings is not None
    assert start_bot(settings, client).http_handler is None


@pytest.mark.parametrize("delegate", [True, False])
async def test_token_that_may_not_act_for_people_is_named_in_the_log_at_the_start(
    slack: FakeSlack, service: FakeService, client: ServiceClient, caplog: pytest.LogCaptureFixture, delegate: bool
) -> None:
    service.rights = {"name": "old-bot", "delegate": delegate}
    started = start_bot(settings_for(slack), client)

    with caplog.at_level(logging.ERROR):
        await started.start()
    await started.stop()

    assert ("vmkops token change old-bot --delegate" in caplog.text) is not delegate


@pytest.mark.parametrize("answer", [[], {}, "no"])
async def test_bot_starts_whatever_the_service_says_about_its_token(
    slack: FakeSlack, service: FakeService, client: ServiceClient, answer: object
) -> None:
    service.garbled["/tokens/current"] = answer
    started = start_bot(settings_for(slack), client)

    await started.start()

    assert started.status().problem == ""
    await started.stop()
