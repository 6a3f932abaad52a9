"""`/backup` announces in the channel, tells the progress in a thread, and never starts a second job."""

from __future__ import annotations

import pytest

from bot.commands._base import Asked
from bot.commands.backup import command
from bot.threads import CannotPost
from service.api.client import Check, JobState, Problem, ServiceError
from tests.bot.examples import copying, job
from tests.bot.fake_service import Call, FakeService
from tests.bot.fake_slack import FakeSlack
from tests.bot.slack_limits import drawn


@pytest.fixture
def service(service: FakeService) -> FakeService:
    service.vms["web-01"] = {"name": "web-01", "moref": "vm-42"}
    return service


def started(service: FakeService) -> list[Call]:
    """The calls that start a backup; a pre-flight is none."""
    return [call for call in service.called("/actions/") if not call.path.endswith("/check")]


async def test_backup_is_announced_and_told_in_the_thread(asked: Asked, service: FakeService, slack: FakeSlack) -> None:
    assert await command.answer("web-01", asked) is None
    above, below = slack.called("chat.postMessage")
    assert above["text"] == "⏳ Backup of web-01"
    assert "thread_ts" not in above
    assert below["thread_ts"] == "1.000100"
    (act,) = started(service)
    assert act.on_behalf_of == "slack:U1"
    assert act.idempotency_key == "slack:1.2.abc"
    assert act.body["params"] == {"vm": "web-01"}
    thread = {"channel": "C1", "announcement_ts": "1.000100", "card_ts": "2.000100", "user": "U1"}
    assert act.body["reply_to"] == {"slack": thread}
    await service.change(job(JobState.SUCCEEDED, reply_to=act.body["reply_to"]))
    await asked.desk.following.told()
    assert slack.called("chat.update")[-1]["text"] == "✅ Backup of web-01: done in 3 min 12 s"


@pytest.mark.parametrize("status", [403, 404, 409, 503])
async def test_nothing_is_announced_for_a_vm_that_is_refused(
    asked: Asked, service: FakeService, slack: FakeSlack, status: int
) -> None:
    service.refusals["/actions/backup/check"] = Problem(title="No", status=status)
    with pytest.raises(ServiceError):
        await command.answer("web-01", asked)
    assert slack.calls == []
    assert started(service) == []


async def test_backup_that_the_pre_flight_refuses_is_told_to_the_asker_alone(
    asked: Asked, service: FakeService, slack: FakeSlack
) -> None:
    service.checks = [Check(rule="template", severity="refuse", message="It is a template.")]
    with pytest.raises(ServiceError, match="It is a template"):
        await command.answer("web-01", asked)
    assert slack.calls == []
    assert started(service) == []


async def test_refused_backup_turns_both_messages_into_the_refusal(
    asked: Asked, service: FakeService, slack: FakeSlack
) -> None:
    service.refusals["/actions"] = Problem(title="Not allowed", status=403, detail="Ask olga.")
    assert await command.answer("web-01", asked) is None
    card, above = slack.called("chat.update")
    assert (card["ts"], above["ts"]) == ("2.000100", "1.000100")
    assert "Ask olga." in card["text"]
    assert above["text"] == "Backup of web-01 was not started: Not allowed"


async def test_unanswered_start_says_that_it_may_have_begun(
    asked: Asked, service: FakeService, slack: FakeSlack
) -> None:
    service.refusals["/actions"] = Problem(title="No answer", status=503)
    await command.answer("web-01", asked)
    assert "If it did start all the same" in str(slack.called("chat.update")[0]["blocks"])


async def test_running_backup_is_pointed_to_and_not_followed_twice(
    asked: Asked, service: FakeService, slack: FakeSlack
) -> None:
    await service.change(copying(50))
    await command.answer("web-01", asked)
    card, above = slack.called("chat.update")
    assert above["text"] == "Backup of web-01 was asked for already"
    assert "<https://ops/archives/C1/p1.1|in its thread>" in str(card["blocks"])
    assert len(service.jobs) == 1
    assert service.called("/jobs/job1/events") == []


async def test_running_backup_from_elsewhere_is_named_by_its_id(
    asked: Asked, service: FakeService, slack: FakeSlack
) -> None:
    await service.change(copying(50, reply_to=None, requested_by="token:nightly"))
    await command.answer("web-01", asked)
    assert "`/jobs job1`" in str(slack.called("chat.update")[0]["blocks"])


@pytest.mark.parametrize("error", ["not_in_channel", "channel_not_found"])
async def test_closed_channel_says_how_to_let_the_bot_in(
    asked: Asked, service: FakeService, slack: FakeSlack, error: str
) -> None:
    slack.fail("chat.postMessage", error)
    with pytest.raises(CannotPost) as refused:
        await command.answer("web-01", asked)
    assert "/invite @vmkops" in refused.value.problem.suggestions[0]
    assert started(service) == []


async def test_announcement_without_a_card_is_taken_back(asked: Asked, service: FakeService, slack: FakeSlack) -> None:
    slack.pass_then_fail("chat.postMessage", "restricted_action")
    with pytest.raises(CannotPost, match="restricted_action"):
        await command.answer("web-01", asked)
    assert [call["ts"] for call in slack.called("chat.delete")] == ["1.000100"]
    assert started(service) == []


async def test_vm_must_be_named(asked: Asked) -> None:
    reply = await command.answer("", asked)
    assert reply is not None
    assert "Usage: `/backup VM`" in drawn(reply.message)
