"""The thread of a job shows its state, at most one edit a second, to the end, also after the bot restarts."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from bot.jobs.updates import EDIT_SECONDS, SCAN_SECONDS, JobUpdates
from service.api.client import JobState, Problem, ServiceClient
from tests.bot.clocks import HurriedClock, StoppedClock
from tests.bot.examples import copying, job
from tests.bot.fake_service import FakeService
from tests.bot.fake_slack import FakeSlack

DONE = job(JobState.SUCCEEDED)


def text_of(call: dict[str, Any]) -> str:
    return str(call["text"])


def card_edits(slack: FakeSlack) -> list[dict[str, Any]]:
    return [call for call in slack.called("chat.update") if call["ts"] == "1.2"]


def announcement_edits(slack: FakeSlack) -> list[dict[str, Any]]:
    return [call for call in slack.called("chat.update") if call["ts"] == "1.1"]


async def test_card_follows_the_job_and_the_announcement_shows_how_it_ended(
    service: FakeService, slack: FakeSlack, updates: JobUpdates
) -> None:
    await service.change(copying(10))
    updates.follow(copying(10))
    await slack.wait_for("chat.update")
    await service.change(DONE)
    await updates.wait_until_idle()
    assert text_of(card_edits(slack)[0]) == "Backup of web-01: running"
    assert text_of(card_edits(slack)[-1]) == "Backup of web-01: done in 3 min 12 s"
    assert [text_of(call) for call in announcement_edits(slack)] == ["✅ Backup of web-01: done in 3 min 12 s"]
    assert "job_cancel" not in json.dumps(card_edits(slack)[-1])


async def test_edits_of_a_card_are_a_second_apart(service: FakeService, slack: FakeSlack, updates: JobUpdates) -> None:
    await service.change(copying(0))
    updates.follow(copying(0))
    for percent in range(1, 40):
        await service.change(copying(percent))
    await slack.wait_for("chat.update", 2)
    await service.change(DONE)
    await updates.wait_until_idle()
    times = [call.at for call in slack.calls if call.method == "chat.update" and call.arguments["ts"] == "1.2"]
    assert all(later - earlier >= EDIT_SECONDS for earlier, later in itertools.pairwise(times))


async def test_rate_limit_is_waited_out_as_long_as_slack_asks(
    service: FakeService, slack: FakeSlack, updates: JobUpdates, time: HurriedClock
) -> None:
    slack.fail("chat.update", "ratelimited", retry_after=30)
    await service.change(DONE)
    updates.follow(DONE)
    await updates.wait_until_idle()
    assert max(time.slept) >= 30
    assert text_of(card_edits(slack)[-1]) == "Backup of web-01: done in 3 min 12 s"


async def test_final_state_arrives_after_slack_failed_several_times(
    service: FakeService, slack: FakeSlack, updates: JobUpdates, time: HurriedClock
) -> None:
    slack.fail("chat.update", "internal_error", times=5)
    await service.change(DONE)
    updates.follow(DONE)
    await updates.wait_until_idle()
    assert text_of(announcement_edits(slack)[-1]) == "✅ Backup of web-01: done in 3 min 12 s"
    assert time.slept == sorted(time.slept), "each wait is longer than the one before"


async def test_final_state_is_posted_when_the_card_was_deleted(
    service: FakeService, slack: FakeSlack, updates: JobUpdates
) -> None:
    slack.fail("chat.update", "message_not_found")
    await service.change(DONE)
    updates.follow(DONE)
    await updates.wait_until_idle()
    posted = slack.called("chat.postMessage")
    assert [(call["thread_ts"], call["text"]) for call in posted] == [("1.1", "Backup of web-01: done in 3 min 12 s")]


async def test_final_state_is_sent_as_plain_text_when_slack_refuses_the_card(
    service: FakeService, slack: FakeSlack, updates: JobUpdates
) -> None:
    slack.fail("chat.update", "invalid_blocks")
    await service.change(DONE)
    updates.follow(DONE)
    await updates.wait_until_idle()
    assert card_edits(slack)[-1]["blocks"] == []
    assert text_of(card_edits(slack)[-1]) == "Backup of web-01: done in 3 min 12 s"


@pytest.mark.parametrize("error", ["is_archived", "token_revoked", "channel_not_found"])
async def test_thread_that_is_not_writable_is_given_up(
    service: FakeService, slack: FakeSlack, updates: JobUpdates, error: str
) -> None:
    slack.fail("chat.update", error)
    await service.change(DONE)
    updates.follow(DONE)
    await updates.wait_until_idle()
    assert len(slack.calls) == 1


async def test_job_is_followed_once(service: FakeService, slack: FakeSlack, updates: JobUpdates) -> None:
    await service.change(DONE)
    assert updates.follow(DONE)
    assert not updates.follow(DONE)
    await updates.wait_until_idle()
    assert not updates.follow(DONE)
    assert len(card_edits(slack)) == 1


async def test_job_without_a_thread_in_slack_is_not_followed(updates: JobUpdates) -> None:
    assert not updates.follow(job(reply_to=None))


async def test_restarted_bot_follows_live_jobs(service: FakeService, slack: FakeSlack, updates: JobUpdates) -> None:
    await service.change(copying(50))
    await updates.scan()
    await slack.wait_for("chat.update")
    await service.change(DONE)
    await updates.wait_until_idle()
    assert text_of(announcement_edits(slack)[-1]).startswith("✅")


async def test_restarted_bot_publishes_a_final_state_once(
    service: FakeService, slack: FakeSlack, updates: JobUpdates
) -> None:
    await service.change(DONE)
    await updates.scan()
    await updates.wait_until_idle()
    await updates.scan()
    await updates.wait_until_idle()
    assert len(card_edits(slack)) == 1


async def test_job_that_ended_two_days_ago_is_not_followed(
    service: FakeService, slack: FakeSlack, updates: JobUpdates
) -> None:
    await service.change(job(JobState.SUCCEEDED, finished_at="2026-01-29T10:00:00+00:00"))
    await service.change(job(JobState.FAILED, id="job2", finished_at="some day"))
    await updates.scan()
    await updates.wait_until_idle()
    assert slack.calls == []


async def test_scan_is_retried_while_the_service_is_unavailable(
    service: FakeService, client: ServiceClient, slack: FakeSlack
) -> None:
    time = StoppedClock()
    updates = JobUpdates(client, slack.client, time.clock)
    service.refusals["/jobs"] = Problem(title="Unavailable", status=503)
    updates.start()
    await time.waits(1)
    await time.release()
    await time.waits(2)
    service.refusals.clear()
    await time.release()
    await time.waits(3)
    await updates.stop()
    assert time.slept == [2.0, 4.0, SCAN_SECONDS]


async def test_job_that_no_longer_exists_is_not_followed(
    service: FakeService, slack: FakeSlack, updates: JobUpdates
) -> None:
    service.refusals["/jobs/job1/events"] = Problem(title="Not found", status=404)
    updates.follow(copying(1))
    await updates.wait_until_idle()
    assert len(card_edits(slack)) == 1
