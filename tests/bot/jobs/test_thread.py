"""The thread of a job: posted as a whole or not at all, and stored with the job."""

from __future__ import annotations

from typing import Any

import pytest

from bot.blocks import message, section
from bot.jobs.thread import CannotPost, JobThread, open_thread
from tests.bot.examples import job
from tests.bot.fake_slack import FakeSlack

THREAD = JobThread(channel="C1", announcement_ts="1.000100", card_ts="2.000100", user="U1")


async def post(slack: FakeSlack) -> JobThread:
    above, below = (message(text, [section(text)]) for text in ("above", "below"))
    return await open_thread(slack.client, channel="C1", user="U1", announcement=above, card=below)


async def test_card_is_posted_below_the_announcement(slack: FakeSlack) -> None:
    assert await post(slack) == THREAD
    above, below = slack.called("chat.postMessage")
    assert (above["text"], below["text"], below["thread_ts"]) == ("above", "below", "1.000100")


@pytest.mark.parametrize("error", ["not_in_channel", "channel_not_found"])
async def test_error_shows_how_to_invite_the_bot(slack: FakeSlack, error: str) -> None:
    slack.fail("chat.postMessage", error)
    with pytest.raises(CannotPost) as refused:
        await post(slack)
    assert "/invite @vmkops" in refused.value.problem.suggestions[0]


async def test_announcement_without_a_card_is_deleted(slack: FakeSlack) -> None:
    slack.pass_then_fail("chat.postMessage", "restricted_action")
    with pytest.raises(CannotPost, match="restricted_action"):
        await post(slack)
    assert [call["ts"] for call in slack.called("chat.delete")] == ["1.000100"]


def test_thread_is_read_from_the_job_that_stores_it() -> None:
    assert JobThread.of(job(reply_to=THREAD.as_reply_to())) == THREAD


@pytest.mark.parametrize("reply_to", [None, {}, {"slack": "C1"}, {"slack": {"channel": "C1"}}, {"console": {}}])
def test_job_from_elsewhere_has_no_thread(reply_to: dict[str, Any] | None) -> None:
    assert JobThread.of(job(reply_to=reply_to)) is None
