"""`/jobs` lists what runs and ran, for the asker alone; its Cancel button asks the service to stop a job."""

from __future__ import annotations

import pytest

from bot.commands._base import Asked
from bot.commands.jobs import command
from bot.interactive.cancel import button
from service.api.client import JobState, Problem, ServiceError
from tests.bot.examples import copying, job
from tests.bot.fake_service import FakeService
from tests.bot.slack_limits import drawn


async def test_jobs_are_listed_newest_first(asked: Asked, service: FakeService) -> None:
    await service.change(job(JobState.FAILED, id="job1", target="db-01"))
    await service.change(copying(42, id="job2"))
    reply = await command.answer("", asked)
    assert reply is not None
    assert not reply.public
    lines = drawn(reply.message).splitlines()
    assert lines[1] == "⏳ Backup of *web-01*  ·  running 42 %  ·  <@U1>  ·  `job2`"
    assert lines[2] == "❌ Backup of *db-01*  ·  failed  ·  <@U1>  ·  `job1`"


async def test_one_job_is_shown_in_full(asked: Asked, service: FakeService) -> None:
    await service.change(copying(42))
    reply = await command.answer("`job1`", asked)
    assert reply is not None
    assert drawn(reply.message).startswith("Backup of web-01\n⏳ *Running*")


async def test_unknown_job_is_refused_by_the_service(asked: Asked) -> None:
    with pytest.raises(ServiceError):
        await command.answer("job99", asked)


async def test_two_words_are_a_wrong_use(asked: Asked) -> None:
    reply = await command.answer("job1 job2", asked)
    assert reply is not None
    assert "Usage: `/jobs [ID]`" in drawn(reply.message)


async def test_cancel_is_asked_for_in_the_name_of_who_clicked(asked: Asked, service: FakeService) -> None:
    await service.change(copying(42))
    reply = await button.run("job1", asked)
    (call,) = service.called("/jobs/job1/cancel")
    assert call.on_behalf_of == "slack:U1"
    assert not reply.public
    assert "Backup of web-01 is being stopped and cleaned up." in drawn(reply.message)


async def test_refused_cancel_is_told_to_who_clicked(asked: Asked, service: FakeService) -> None:
    service.refusals["/jobs/job1/cancel"] = Problem(title="Conflict", status=409, detail="It has ended already.")
    with pytest.raises(ServiceError, match="It has ended already"):
        await button.run("job1", asked)
