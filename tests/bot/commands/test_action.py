"""`/action` lists the actions, checks one, or starts one with its target and parameters."""

from __future__ import annotations

import pytest

from bot.arguments import UsageError
from bot.commands.action import ActionCommand, command, parse
from bot.request import Request
from service.api.client import Check
from tests.bot.fake_service import FakeService
from tests.bot.slack_limits import drawn

POWER_OFF = {
    "name": "power-off",
    "summary": "Power a VM off.",
    "class": "disruptive",
    "parameters": {"properties": {"vm": {}, "force": {}}, "required": ["vm"]},
}


@pytest.fixture
def service(service: FakeService) -> FakeService:
    service.vms["web-01"] = {"name": "web-01", "moref": "vm-42"}
    service.actions = [POWER_OFF]
    return service


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [
        ("", ActionCommand("", "", {}, False)),
        ("power-off web-01", ActionCommand("power-off", "web-01", {}, False)),
        ("power-off vm=web-01 dry_run=TRUE", ActionCommand("power-off", "", {"vm": "web-01"}, True)),
        ("reset web-01 note=“the patch”", ActionCommand("reset", "web-01", {"note": "the patch"}, False)),
        (
            "import-ovf https://h.example.com/x?a=b&sig=c== name=web-02",
            ActionCommand("import-ovf", "https://h.example.com/x?a=b&sig=c==", {"name": "web-02"}, False),
        ),
        ("power-off web-01 dry_run=no", ActionCommand("power-off", "web-01", {}, False)),
    ],
)
def test_action_is_parsed(typed: str, parsed: ActionCommand) -> None:
    assert parse(typed) == parsed


@pytest.mark.parametrize("typed", ["vm=web-01", "power-off web-01 dry_run=ture", "power-off web-01 dry_run="])
def test_invalid_text_is_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        parse(typed)


async def test_actions_are_listed_with_their_parameters(slack_request: Request, service: FakeService) -> None:
    reply = await command.answer("", slack_request)
    assert reply is not None
    assert not reply.public
    assert "`power-off VM [force=…]`  disruptive\nPower a VM off." in drawn(reply.message)


async def test_dry_run_shows_what_the_checks_found_and_starts_nothing(
    slack_request: Request, service: FakeService
) -> None:
    service.checks = [Check(rule="guest", severity="warn", message="The guest is not asked.")]
    reply = await command.answer("power-off web-01 dry_run=true", slack_request)
    assert reply is not None
    assert drawn(reply.message).splitlines() == [
        "✅ *power-off* of *web-01* may go ahead",
        "⚠️ The guest is not asked.",
        "Dry run: nothing was changed · safe action · check",
    ]
    assert service.jobs == {}


async def test_target_becomes_the_first_parameter(slack_request: Request, service: FakeService) -> None:
    assert await command.answer("power-off web-01 force=true", slack_request) is None
    (start,) = [call for call in service.called("/actions/power-off") if not call.path.endswith("/check")]
    assert start.body["params"] == {"vm": "web-01", "force": "true"}


async def test_target_that_is_given_twice_is_refused_with_the_usage(
    slack_request: Request, service: FakeService
) -> None:
    reply = await command.answer("power-off web-01 vm=web-02", slack_request)
    assert reply is not None
    assert "Unexpected argument web-01." in drawn(reply.message)
    assert service.jobs == {}


async def test_usage_does_not_repeat_the_signature_of_a_url(slack_request: Request, service: FakeService) -> None:
    reply = await command.answer("power-off https://h.example.com/x?sig=s3cret vm=web-01", slack_request)

    assert reply is not None
    assert "https://h.example.com/x?REDACTED" in drawn(reply.message)
    assert "s3cret" not in drawn(reply.message)
