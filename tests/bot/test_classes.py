"""Slack and the shell ask for each action that is disruptive or destructive, and start the others at once."""

from __future__ import annotations

import argparse
import asyncio

import pytest

from bot.jobs.start import start_job
from bot.request import Request
from service.actions import all_actions
from service.jobs.action import Action
from tests.bot.fake_service import FakeService
from vmkops.commands._console import carry_out

ACTIONS = all_actions()
OPTIONS = argparse.Namespace(dry_run=False, no_wait=True, json=False, yes=False)


@pytest.fixture(params=sorted(ACTIONS))
def action(request: pytest.FixtureRequest, service: FakeService) -> Action:
    """Each action, as the service lists it."""
    found = ACTIONS[request.param]
    service.vms["web-01"] = {"name": "web-01", "moref": "vm-42"}
    service.action_class = found.action_class
    service.actions = [
        {"name": found.name, "class": found.action_class.value, "parameters": {"properties": {"vm": {}}}}
    ]
    return found


async def test_slack_asks_before_harm(slack_request: Request, service: FakeService, action: Action) -> None:
    reply = await start_job(slack_request, action.name, {"vm": "web-01"}, command="/action")
    assert (reply is not None) is action.action_class.asks_first
    assert (service.jobs == {}) is action.action_class.asks_first


async def test_shell_asks_before_harm(
    service: FakeService, action: Action, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VMKOPS_SERVICE_URL", service.url)
    status = await asyncio.to_thread(carry_out, OPTIONS, action.name, "web-01", {})
    assert status == (2 if action.action_class.asks_first else 0)
    assert ("--yes" in capsys.readouterr().err) is action.action_class.asks_first
    assert (service.jobs == {}) is action.action_class.asks_first
