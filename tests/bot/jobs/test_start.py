"""A job that is started in Slack is checked, announced, shown in a thread, and never started twice."""

from __future__ import annotations

import pytest

from bot.jobs.start import start_job
from bot.jobs.thread import CannotPost
from bot.request import Request
from service.api.client import Check, JobState, Problem, ServiceError
from tests.bot.examples import copying, job
from tests.bot.fake_service import Call, FakeService
from tests.bot.fake_slack import FakeSlack


@pytest.fixture
def service(service: FakeService) -> FakeService:
    service.vms["web-01"] = {"name": "web-01", "moref": "vm-42"}
    return service


async def start(slack_request: Request) -> None:
    await start_job(slack_request, "backup", {"vm": "web-01"}, command="/backup")


def started(service: FakeService) -> list[Call]:
    """The calls that start a backup, without pre-flight checks."""
    return [call for call in service.called("/actions/") if not call.path.endswith("/check")]


async def test_backup_is_announced_and_shown_in_the_thread(
    slack_request: Request, service: FakeService, slack: FakeSlack
) -> None:
    await start(slack_request)
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
    await slack_request.deps.updates.wait_until_idle()
    assert slack.called("chat.update")[-1]["text"] == "✅ Backup of web-01: done in 3 min 12 s"


@pytest.mark.parametrize("status", [403, 404, 409, 503])
async def test_refused_vm_is_not_announced(
    slack_request: Request, service: FakeService, slack: FakeSlack, status: int
) -> None:
    service.refusals["/actions/backup/check"] = Problem(title="No", status=status)
    with pytest.raises(ServiceError):
        await start(slack_request)
    assert slack.calls == []
    assert started(service) == []


async def test_refusal_by_the_pre_flight_check_is_not_announced(
    slack_request: Request, service: FakeService, slack: FakeSlack
) -> None:
    service.checks = [Check(rule="template", severity="refuse", message="It is a template.")]
    with pytest.raises(ServiceError, match="It is a template"):
        await start(slack_request)
    assert slack.calls == []
    assert started(service) == []


async def test_refusal_after_the_announcement_replaces_both_messages(
    slack_request: Request, service: FakeService, slack: FakeSlack
) -> None:
    service.refusals["/actions"] = Problem(title="Not allowed", status=403, detail="Ask olga.")
    await start(slack_request)
    card, above = slack.called("chat.update")
    assert (card["ts"], above["ts"]) == ("2.000100", "1.000100")
    assert "Ask olga." in card["text"]
    assert above["text"] == "Backup of web-01 was not started: Not allowed"


async def test_start_without_an_answer_may_have_started_the_job(
    slack_request: Request, service: FakeService, slack: FakeSlack
) -> None:
    service.refusals["/actions"] = Problem(title="No answer", status=503)
    await start(slack_request)
    assert "If the job started anyway" in str(slack.called("chat.update")[0]["blocks"])


async def test_second_backup_points_to_the_running_one(
    slack_request: Request, service: FakeService, slack: FakeSlack
) -> None:
    await service.change(copying(50))
    await start(slack_request)
    card, above = slack.called("chat.update")
    assert above["text"] == "Backup of web-01 was already requested"
    assert "<https://ops/archives/C1/p1.1|in its thread>" in str(card["blocks"])
    assert len(service.jobs) == 1
    assert service.called("/jobs/job1/events") == []


async def test_running_backup_without_a_thread_is_named_by_its_id(
    slack_request: Request, service: FakeService, slack: FakeSlack
) -> None:
    await service.change(copying(50, reply_to=None, requested_by="token:nightly"))
    await start(slack_request)
    assert "`/jobs job1`" in str(slack.called("chat.update")[0]["blocks"])


async def test_running_backup_is_named_by_its_id_when_its_thread_has_no_link(
    slack_request: Request, service: FakeService, slack: FakeSlack
) -> None:
    await service.change(copying(50))
    slack.fail("chat.getPermalink", "message_not_found")
    await start(slack_request)
    assert "`/jobs job1`" in str(slack.called("chat.update")[0]["blocks"])


async def test_nothing_is_started_when_the_announcement_cannot_be_posted(
    slack_request: Request, service: FakeService, slack: FakeSlack
) -> None:
    slack.fail("chat.postMessage", "not_in_channel")
    with pytest.raises(CannotPost):
        await start(slack_request)
    assert started(service) == []
