"""A report is posted once, whatever does not answer meanwhile; one that can never be posted is told to the service."""

from __future__ import annotations

import pytest

from bot.jobs.reports import JobReports
from service.api.client import Problem, ServiceClient, ServiceError
from tests.bot.examples import report, report_group
from tests.bot.fake_service import FakeService
from tests.bot.fake_slack import FakeSlack

DUE = report(report_group("done", 1, "web-01"))


@pytest.fixture
def reports(client: ServiceClient, slack: FakeSlack) -> JobReports:
    return JobReports(client, slack.client)


async def test_report_is_posted_to_its_channel_and_noted(
    reports: JobReports, service: FakeService, slack: FakeSlack
) -> None:
    service.reports = [DUE]
    await reports.post_due()
    await reports.post_due()
    (posted,) = slack.called("chat.postMessage")
    assert posted["channel"] == "#ops"
    assert "Backup of tag:gold" in str(posted["text"])
    assert service.posted == [("job1", "")]


async def test_service_that_is_away_after_the_post_is_told_later_and_nothing_is_posted_again(
    reports: JobReports, service: FakeService, slack: FakeSlack
) -> None:
    service.reports = [DUE]
    service.refusals["/reports/job1/posted"] = Problem(title="Away", status=503)
    with pytest.raises(ServiceError):
        await reports.post_due()
    del service.refusals["/reports/job1/posted"]
    await reports.post_due()
    assert len(slack.called("chat.postMessage")) == 1
    assert service.posted == [("job1", "")]


@pytest.mark.parametrize(
    ("error", "noted"),
    [
        ("not_in_channel", "vmkops is not a member of #ops, or there is no such channel. Invite it there: /invite"),
        ("is_archived", "Slack does not accept it (is_archived)."),
        ("internal_error", None),
        ("ratelimited", None),
    ],
)
async def test_report_that_slack_never_accepts_is_given_up_and_another_waits(
    reports: JobReports, service: FakeService, slack: FakeSlack, error: str, noted: str | None
) -> None:
    service.reports = [DUE]
    slack.fail("chat.postMessage", error)
    await reports.post_due()
    if noted is None:
        assert service.posted == []  # the service hands it out again
    else:
        ((_, trouble),) = service.posted
        assert trouble.startswith(noted)


async def test_report_whose_blocks_slack_refuses_is_posted_as_text(
    reports: JobReports, service: FakeService, slack: FakeSlack
) -> None:
    service.reports = [DUE]
    slack.fail("chat.postMessage", "invalid_blocks")
    await reports.post_due()
    assert [bool(call.get("blocks")) for call in slack.called("chat.postMessage")] == [True, False]
    assert service.posted == [("job1", "")]
