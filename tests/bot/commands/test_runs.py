"""`/runs` starts, ticks, skips and exports runs of procedures on behalf of the user who typed it."""

from __future__ import annotations

import pytest

from bot.arguments import UsageError
from bot.commands.runs import RunQuery, command, parse
from bot.request import Request
from service.api.client import ServiceError
from tests.bot.cards.test_runs import run
from tests.bot.fake_service import FakeService
from tests.bot.slack_limits import drawn


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [
        ("", RunQuery("list")),
        ("0123", RunQuery("show", "0123")),
        ("export 0123", RunQuery("export", "0123")),
        ("tick 0123 step-1", RunQuery("tick", "0123", "step-1")),
        ("Tick 0123 step-1 it is quiet", RunQuery("tick", "0123", "step-1", "it is quiet")),
        ("skip 0123 step-1 no need", RunQuery("skip", "0123", "step-1", "no need")),
        (
            "start ring-the-bell vm=“web 01” incident=INC-7",
            RunQuery("start", "ring-the-bell", about={"vm": "web 01", "incident": "INC-7"}),
        ),
    ],
)
def test_typed_words_are_understood(typed: str, parsed: RunQuery) -> None:
    assert parse(typed) == parsed._replace(about=parse(typed).about if parsed.about is None else parsed.about)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("start", "name of the procedure is missing"),
        ("start x disk=1", "disk is unknown"),
        ("tick 0123", "Name the run and the step"),
        ("skip 0123 step-1", "reason is missing"),
        ("note 0123 step-1", "note is missing"),
        ("export", "Name the run"),
        ("dance with me", "dance is not"),
    ],
)
def test_wrong_use_is_explained(typed: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(typed)


async def test_start_is_shown_in_the_channel(slack_request: Request, service: FakeService) -> None:
    service.runs = [run()]
    reply = await command.answer("start ring-the-bell vm=web-01", slack_request)
    assert reply is not None
    assert reply.public
    (call,) = service.called("/procedures/ring-the-bell/runs")
    assert (call.method, call.on_behalf_of, call.body) == ("POST", "slack:U1", {"vm": "web-01"})


@pytest.mark.parametrize(
    ("typed", "body"),
    [
        ("tick 0123 step-2", {"state": "done", "note": ""}),
        ("skip 0123 step-2 no need", {"state": "skipped", "note": "no need"}),
        ("untick 0123 step-2", {"state": "open", "note": ""}),
        ("note 0123 step-2 look again", {"note": "look again"}),
    ],
)
async def test_change_is_shown_in_the_channel(
    slack_request: Request, service: FakeService, typed: str, body: dict[str, str]
) -> None:
    service.runs = [run()]
    reply = await command.answer(typed, slack_request)
    assert reply is not None
    assert reply.public
    (call,) = service.called("/runs/0123/items/step-2")
    assert (call.method, call.on_behalf_of, call.body) == ("PATCH", "slack:U1", body)


async def test_lists_runs_and_exports_are_shown_only_to_the_user(slack_request: Request, service: FakeService) -> None:
    service.runs = [run()]
    for typed, words in (("", "Ring the bell"), ("0123", "step-2"), ("export 0123", "# Ring the bell")):
        reply = await command.answer(typed, slack_request)
        assert reply is not None
        assert not reply.public
        assert words in drawn(reply.message)
    assert [call.on_behalf_of for call in service.called("/runs/0123/markdown")] == ["slack:U1"]


async def test_unknown_run_is_refused(slack_request: Request) -> None:
    with pytest.raises(ServiceError, match="does not exist"):
        await command.answer("0123", slack_request)
