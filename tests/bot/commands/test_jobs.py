"""`/jobs` lists the latest jobs, or shows one, only to the user."""

from __future__ import annotations

import pytest

from bot.commands.jobs import command
from bot.request import Request
from service.api.client import JobState, ServiceError
from tests.bot.examples import copying, job
from tests.bot.fake_service import FakeService
from tests.bot.slack_limits import drawn


async def test_jobs_are_listed_newest_first(slack_request: Request, service: FakeService) -> None:
    await service.change(job(JobState.FAILED, id="job1", target="db-01"))
    await service.change(copying(42, id="job2"))
    reply = await command.answer("", slack_request)
    assert reply is not None
    assert not reply.public
    lines = drawn(reply.message).splitlines()
    assert lines[1] == "⏳ Backup of *web-01*  ·  running 42 %  ·  <@U1>  ·  `job2`"
    assert lines[2] == "❌ Backup of *db-01*  ·  failed  ·  <@U1>  ·  `job1`"


async def test_one_job_is_shown_in_detail(slack_request: Request, service: FakeService) -> None:
    await service.change(copying(42))
    reply = await command.answer("`job1`", slack_request)
    assert reply is not None
    assert drawn(reply.message).startswith("Backup of web-01\n⏳ *Running*")


async def test_unknown_job_is_refused_by_the_service(slack_request: Request) -> None:
    with pytest.raises(ServiceError):
        await command.answer("job99", slack_request)


async def test_two_words_are_refused_with_the_usage(slack_request: Request) -> None:
    reply = await command.answer("job1 job2", slack_request)
    assert reply is not None
    assert "Usage: `/jobs [ID]`" in drawn(reply.message)
