"""The Cancel button asks the service to stop a job, on behalf of the user who clicked."""

from __future__ import annotations

import pytest

from bot.buttons.cancel import button
from bot.request import Request
from service.api.client import JobState, Problem, ServiceError
from tests.bot.examples import copying, job
from tests.bot.fake_service import FakeService
from tests.bot.slack_limits import drawn


async def test_job_is_cancelled_on_behalf_of_the_user_who_clicked(slack_request: Request, service: FakeService) -> None:
    await service.change(copying(42))
    reply = await button.run("job1", slack_request)
    (call,) = service.called("/jobs/job1/cancel")
    assert call.on_behalf_of == "slack:U1"
    assert not reply.public
    assert "Backup of web-01 is being stopped and cleaned up." in drawn(reply.message)


async def test_refused_cancel_is_shown_to_the_user_who_clicked(slack_request: Request, service: FakeService) -> None:
    service.refusals["/jobs/job1/cancel"] = Problem(title="Conflict", status=409, detail="It has ended already.")
    with pytest.raises(ServiceError, match="It has ended already"):
        await button.run("job1", slack_request)


async def test_job_that_ends_at_once_is_shown_as_cancelled(slack_request: Request, service: FakeService) -> None:
    await service.change(job(JobState.CANCELLED))
    reply = await button.run("job1", slack_request)
    assert "Backup of web-01: cancelled." in drawn(reply.message)
