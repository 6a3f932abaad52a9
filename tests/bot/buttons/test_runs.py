"""The buttons of runs: start one from the card of a procedure, tick the next step, export."""

from __future__ import annotations

from bot.buttons import run_export, run_start, run_tick
from bot.cards.kb import procedure_card
from bot.cards.runs import run_card
from bot.request import Request
from tests.bot.cards.test_kb import URL, page
from tests.bot.cards.test_runs import run
from tests.bot.fake_service import FakeService
from tests.bot.slack_limits import drawn


def value(card, action_id: str) -> str:
    """The value of a button on a card."""
    elements = [element for block in card.blocks if block["type"] == "actions" for element in block["elements"]]
    (found,) = [element["value"] for element in elements if element["action_id"] == action_id]
    return str(found)


async def test_procedure_is_worked_through_from_its_card(slack_request: Request, service: FakeService) -> None:
    service.runs = [run()]
    card = procedure_card(page(), URL, {"vm": "web-01"})

    reply = await run_start.button.run(value(card, str(run_start.button.action_id)), slack_request)

    assert reply is not None
    assert reply.public
    (call,) = service.called("/procedures/reset-lun/runs")
    assert (call.on_behalf_of, call.body) == ("slack:U1", {"vm": "web-01"})


async def test_next_step_is_ticked_and_the_run_shown_again(slack_request: Request, service: FakeService) -> None:
    service.runs = [run()]

    reply = await run_tick.button.run(value(run_card(run()), str(run_tick.button.action_id)), slack_request)

    assert reply is not None
    assert reply.public
    (call,) = service.called("/runs/0123456789abcdef/items/step-2")
    assert (call.on_behalf_of, call.body) == ("slack:U1", {"note": "", "state": "done"})


async def test_export_is_shown_only_to_the_user(slack_request: Request, service: FakeService) -> None:
    service.runs = [run()]

    reply = await run_export.button.run(value(run_card(run()), str(run_export.button.action_id)), slack_request)

    assert reply is not None
    assert not reply.public
    assert "# Ring the bell" in drawn(reply.message)
