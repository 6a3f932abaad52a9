"""`/backup` starts the backup of a VM."""

from __future__ import annotations

import pytest

from bot.commands.backup import command, parse
from bot.request import Request
from tests.bot.fake_service import FakeService
from tests.bot.slack_limits import drawn


async def test_backup_of_the_vm_is_started(slack_request: Request, service: FakeService) -> None:
    service.vms["ipaddr:10.0.0.7"] = {"name": "web-01"}
    assert await command.answer("ipaddr:10.0.0.7", slack_request) is None
    (job,) = service.jobs.values()
    assert (job.action, job.target) == ("backup", "web-01")


def test_window_of_the_backup_is_told_from_the_vm() -> None:
    found = parse("web-01 within=6h")

    assert found.words == "web-01"
    assert found.options == {"within": "6h"}


@pytest.mark.parametrize(
    "typed",
    ["web-01 copy_to=nas,offsite", "--copy-to nas,offsite web-01", "web-01 copy_to=nas —copy-to=offsite"],
)
async def test_copy_targets_of_the_backup_are_told_from_the_vm(
    slack_request: Request, service: FakeService, typed: str
) -> None:
    service.vms["web-01"] = {"name": "web-01"}

    assert await command.answer(typed, slack_request) is None

    (start,) = [call for call in service.called("/actions/backup") if call.path == "/actions/backup"]
    assert start.body["params"]["copy_to"] == "nas,offsite"


async def test_missing_vm_is_answered_with_the_usage(slack_request: Request, service: FakeService) -> None:
    reply = await command.answer("", slack_request)
    assert reply is not None
    assert "Usage: `/backup VM [within=6h] [save=NAME] [copy_to=NAMES]`" in drawn(reply.message)
    assert service.calls == []
