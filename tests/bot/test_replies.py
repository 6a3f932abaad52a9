"""Every command gets a reply: what it returns, or a card that explains the error."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from slack_bolt.context.respond.async_respond import AsyncRespond

from bot.blocks import Reply, message, section
from bot.replies import ReplySender
from service.api.client import Problem, ServiceError
from tests.bot.fake_slack import FakeSlack

DONE = Reply(message("Done", [section("Done")]), public=True)


@pytest.fixture
def respond(slack: FakeSlack) -> AsyncRespond:
    return AsyncRespond(response_url=slack.response_url)


async def test_reply_is_sent(slack: FakeSlack, respond: AsyncRespond) -> None:
    async def work() -> Reply:
        return DONE

    await ReplySender().send(respond, work)
    (sent,) = slack.called("response_url")
    assert (sent["text"], sent["response_type"]) == ("Done", "in_channel")


async def test_command_that_has_replied_itself_sends_nothing(slack: FakeSlack, respond: AsyncRespond) -> None:
    async def work() -> None:
        return None

    await ReplySender().send(respond, work)
    assert slack.calls == []


async def test_suggestions_of_a_refusal_are_commands(slack: FakeSlack, respond: AsyncRespond) -> None:
    async def work() -> Reply:
        raise ServiceError(Problem(title="Not found", status=404, detail="No web-0.", suggestions=["web-01"]))

    await ReplySender().send(respond, work, command="/backup")
    (sent,) = slack.called("response_url")
    assert sent["response_type"] == "ephemeral"
    assert "No web-0." in sent["text"]
    assert "`/backup web-01`" in json.dumps(sent["blocks"])


async def test_unexpected_error_is_logged_and_only_its_reference_is_shown(
    slack: FakeSlack, respond: AsyncRespond, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> Reply:
        raise RuntimeError("the inner workings")

    with caplog.at_level(logging.ERROR):
        await ReplySender().send(respond, work)
    (sent,) = slack.called("response_url")
    reference = sent["blocks"][0]["text"]["text"].split("`")[1]
    assert caplog.records[0].__dict__["incident"] == reference
    assert "the inner workings" in caplog.text
    assert "the inner workings" not in json.dumps(sent)


async def test_reply_that_slack_does_not_take_is_logged(slack: FakeSlack, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> Reply:
        return DONE

    with caplog.at_level(logging.ERROR):
        await ReplySender().send(AsyncRespond(response_url=slack.response_url + "-expired"), work, command="/vm")
        await ReplySender().send(AsyncRespond(response_url="http://127.0.0.1:9/"), work, command="/host")
    refused, failed = [record.__dict__ for record in caplog.records]
    assert (refused["command"], refused["status"]) == ("/vm", 404)
    assert failed["command"] == "/host"


async def test_replies_in_progress_are_finished(slack: FakeSlack, respond: AsyncRespond) -> None:
    ready = asyncio.Event()

    async def work() -> Reply:
        await ready.wait()
        return DONE

    replies = ReplySender()
    caller = asyncio.create_task(replies.send(respond, work))
    await asyncio.sleep(0)
    caller.cancel()
    draining = asyncio.create_task(replies.drain())
    ready.set()
    await draining
    assert len(slack.called("response_url")) == 1
